"""The place of each character of a condition in its YAML file, however it was quoted or folded there."""

from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class ConditionPlace:
    """Line and column, counted from one, of each character of a condition."""

    positions: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, node: yaml.ScalarNode, text: str) -> "ConditionPlace":
        """Return the place of a scalar in the YAML document `text`; its characters are searched in order."""
        index, line, column = node.start_mark.index, node.start_mark.line + 1, node.start_mark.column + 1
        positions = []
        for character in node.value:
            if not character.isspace():
                while index < node.end_mark.index and text[index] != character:
                    index, line, column = _step(text[index], index, line, column)
            positions.append((line, column))
            if not character.isspace() and index < node.end_mark.index:
                index, line, column = _step(text[index], index, line, column)
        return cls(tuple(positions) or ((line, column),))

    @property
    def line(self) -> int:
        """The line on which the condition begins."""
        return self.positions[0][0]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character; beyond the end, the column after the last one."""
        if offset < len(self.positions):
            return self.positions[offset]
        line, column = self.positions[-1]
        return line, column + 1


def _step(character: str, index: int, line: int, column: int) -> tuple[int, int, int]:
    return (index + 1, line + 1, 1) if character == "\n" else (index + 1, line, column + 1)
