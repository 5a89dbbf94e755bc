"""The OData routes of Orchestrator in use, below the destination's url."""

from urllib.parse import quote
from uuid import UUID

ADD_ITEM = "/odata/Queues/UiPathODataSvc.AddQueueItem"
START_JOBS = "/odata/Jobs/UiPath.Server.Configuration.OData.StartJobs"


def by_name(entities: str, name: str, field: str) -> str:
    """Return the request for one field of the entity of a name."""
    condition = quote("Name eq '{}'".format(name.replace("'", "''")))
    return f"/odata/{entities}?$filter={condition}&$select={field}&$top=1"


def items_of(key: UUID) -> str:
    """Return the request for the items of a reference, newest first. A retry makes another item."""
    select = "Id,Key,Status,Reference,Output,ProcessingException"
    return f"/odata/QueueItems?$filter={_referring(key)}&$orderby=Id%20desc&$top=10&$select={select}"


def jobs_of(key: UUID) -> str:
    """Return the request for the jobs of a reference."""
    select = "Id,Key,State,Reference,Info,OutputArguments"
    return f"/odata/Jobs?$filter={_referring(key)}&$orderby=Id%20desc&$top=10&$select={select}"


def _referring(key: UUID) -> str:
    return quote(f"Reference eq '{key}'")
