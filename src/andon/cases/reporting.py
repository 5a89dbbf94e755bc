"""Reports of cases: lines for a terminal, and JUnit XML for continuous integration."""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as Xml

from andon.cases.domain import CaseResult


def lines_of(results: Sequence[CaseResult]) -> Iterator[str]:
    """Write each failed case with its differences, and a line for each automation."""
    for one in results:
        if not one.passed:
            yield f"FAIL {one.of.automation}: {one.of.case.name}"
            yield f"     {one.of.file}"
            yield from (f"       {line}" for line in _wrong(one))
    for automation, own in _by_automation(results):
        failed = sum(not one.passed for one in own)
        tail = f", {failed} failed" if failed else ""
        yield f"{automation}: {_counted(len(own))}, {len(own) - failed} passed{tail}"


def junit(results: Sequence[CaseResult]) -> bytes:
    """Write the results as JUnit XML, with a suite for each automation."""
    root = Xml.Element("testsuites")
    for automation, own in _by_automation(results):
        failures = sum(one.error is None and not one.passed for one in own)
        suite = Xml.SubElement(
            root,
            "testsuite",
            name=automation,
            tests=str(len(own)),
            failures=str(failures),
            errors=str(sum(one.error is not None for one in own)),
            time=f"{sum(one.seconds for one in own):.6f}",
        )
        for one in own:
            case = Xml.SubElement(
                suite,
                "testcase",
                classname=automation,
                name=one.of.case.name,
                file=one.of.file,
                time=f"{one.seconds:.6f}",
            )
            if not one.passed:
                lines = list(_wrong(one))
                kind = "failure" if one.error is None else "error"
                Xml.SubElement(case, kind, message=lines[0]).text = "\n".join(lines)
    Xml.indent(root)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _wrong(one: CaseResult) -> Iterator[str]:
    if one.error is not None:
        yield f"error: {one.error}"
    wide = max((len(each.expected) for each in one.differences), default=0)
    for each in one.differences:
        yield f"{each.what:<8} expected {each.expected:<{wide}}   got {each.got}"


def _by_automation(results: Sequence[CaseResult]) -> list[tuple[str, list[CaseResult]]]:
    found: dict[str, list[CaseResult]] = {}
    for one in results:
        found.setdefault(one.of.automation, []).append(one)
    return list(found.items())


def _counted(number: int) -> str:
    return f"{number} case{'' if number == 1 else 's'}"
