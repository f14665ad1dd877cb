"""An instance as it would lie in the vault: its octets, its tables, and a way to read ranges."""

from dataclasses import dataclass

from fhir_gateway.dicom.frames import FrameTable, PixelLayout, frame_octets
from fhir_gateway.dicom.instance import IncomingInstance, read_instance
from fhir_gateway.dicom.reencode import Plain, as_explicit_little, header_octets


@dataclass(frozen=True)
class Stored:
    incoming: IncomingInstance
    octets: bytes

    @classmethod
    def of(cls, file: bytes) -> "Stored":
        incoming = read_instance([file])
        return cls(incoming, b"".join(incoming.octets))

    def read(self, start: int, length: int) -> bytes:
        return self.octets[start : start + length]

    @property
    def table(self) -> FrameTable:
        table = self.incoming.frames()
        assert table is not None
        # What is used later has been through the sealed record.
        assert FrameTable.from_json(table.to_json()) == table
        return table

    @property
    def layout(self) -> PixelLayout:
        assert self.incoming.pixel is not None
        return self.incoming.pixel

    def frame(self, number: int = 1) -> bytes:
        return frame_octets(self.table, number, self.read)

    def header(self) -> bytes:
        return header_octets(self.table, self.read)

    def plain(self, decode=None) -> Plain:
        return as_explicit_little(
            self.read, stored=len(self.octets), table=self.incoming.frames(), layout=self.incoming.pixel, decode=decode
        )
