//! Parquet's structures: the kinds of their fields, and what lies in them.
//!
//! # Source
//! `parquet.thrift` of <https://github.com/apache/parquet-format>.

/// Thrift's kinds of values.
pub(super) mod kind {
    pub(crate) const TRUE: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const BYTE: u8 = 3;
    pub(crate) const I16: u8 = 4;
    pub(crate) const I32: u8 = 5;
    pub(crate) const I64: u8 = 6;
    pub(crate) const DOUBLE: u8 = 7;
    pub(crate) const BINARY: u8 = 8;
    pub(crate) const LIST: u8 = 9;
    /// Sets and maps, 10 and 11, are not used.
    pub(crate) const STRUCTURE: u8 = 12;
}

/// What the walk is in: a structure, or the elements of a list of plain values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Plain,
    Numbers,
    Longs,
    Texts,
    /// A structure without fields that we know.
    Empty,
    File,
    SchemaElement,
    LogicalType,
    Decimal,
    Time,
    TimeUnit,
    Integer,
    Variant,
    Geography,
    RowGroup,
    SortingColumn,
    ColumnChunk,
    ColumnMetadata,
    PageEncodingStats,
    SizeStatistics,
    GeospatialStatistics,
    BoundingBox,
    Statistics,
    KeyValue,
    ColumnOrder,
    Page,
    DataPage,
    DataPageV2,
    DictionaryPage,
}

const FLAG: (u8, Place) = (kind::TRUE, Place::Plain);
const BYTE: (u8, Place) = (kind::BYTE, Place::Plain);
const SHORT: (u8, Place) = (kind::I16, Place::Plain);
const NUMBER: (u8, Place) = (kind::I32, Place::Plain);
const LONG: (u8, Place) = (kind::I64, Place::Plain);
const REAL: (u8, Place) = (kind::DOUBLE, Place::Plain);
const TEXT: (u8, Place) = (kind::BINARY, Place::Plain);
const EMPTY: (u8, Place) = (kind::STRUCTURE, Place::Empty);

impl Place {
    /// The kinds of a structure's fields, from field 1 on, and what lies in them. The decoder takes kinds for granted, whatever the
    /// file says, so a field of another kind would be read otherwise than it is walked over here.
    fn fields(self) -> &'static [(u8, Self)] {
        use Place::*;
        use kind::{LIST, STRUCTURE};
        match self {
            Plain | Numbers | Longs | Texts | Empty => &[],
            File => &[
                NUMBER,
                (LIST, SchemaElement),
                LONG,
                (LIST, RowGroup),
                (LIST, KeyValue),
                TEXT,
                (LIST, ColumnOrder),
                EMPTY,
                TEXT,
            ],
            SchemaElement => {
                &[NUMBER, NUMBER, NUMBER, TEXT, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, (STRUCTURE, LogicalType)]
            }
            LogicalType => &[
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                (STRUCTURE, Decimal),
                EMPTY,
                (STRUCTURE, Time),
                (STRUCTURE, Time),
                EMPTY,
                (STRUCTURE, Integer),
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                (STRUCTURE, Variant),
                (STRUCTURE, Geography),
                (STRUCTURE, Geography),
            ],
            Decimal => &[NUMBER, NUMBER],
            Time => &[FLAG, (STRUCTURE, TimeUnit)],
            TimeUnit => &[EMPTY, EMPTY, EMPTY],
            Integer => &[BYTE, FLAG],
            Variant => &[BYTE],
            Geography => &[TEXT, NUMBER],
            RowGroup => &[(LIST, ColumnChunk), LONG, LONG, (LIST, SortingColumn), LONG, LONG, SHORT],
            SortingColumn => &[NUMBER, FLAG, FLAG],
            ColumnChunk => &[TEXT, LONG, (STRUCTURE, ColumnMetadata), LONG, NUMBER, LONG, NUMBER, EMPTY, TEXT],
            ColumnMetadata => &[
                NUMBER,
                (LIST, Numbers),
                (LIST, Texts),
                NUMBER,
                LONG,
                LONG,
                LONG,
                (LIST, KeyValue),
                LONG,
                LONG,
                LONG,
                (STRUCTURE, Statistics),
                (LIST, PageEncodingStats),
                LONG,
                NUMBER,
                (STRUCTURE, SizeStatistics),
                (STRUCTURE, GeospatialStatistics),
            ],
            PageEncodingStats => &[NUMBER, NUMBER, NUMBER],
            SizeStatistics => &[LONG, (LIST, Longs), (LIST, Longs)],
            GeospatialStatistics => &[(STRUCTURE, BoundingBox), (LIST, Numbers)],
            BoundingBox => &[REAL, REAL, REAL, REAL, REAL, REAL, REAL, REAL],
            Statistics => &[TEXT, TEXT, LONG, LONG, TEXT, TEXT, FLAG, FLAG, LONG],
            KeyValue => &[TEXT, TEXT],
            ColumnOrder => &[EMPTY, EMPTY],
            Page => &[
                NUMBER,
                NUMBER,
                NUMBER,
                NUMBER,
                (STRUCTURE, DataPage),
                EMPTY,
                (STRUCTURE, DictionaryPage),
                (STRUCTURE, DataPageV2),
            ],
            DataPage => &[NUMBER, NUMBER, NUMBER, NUMBER, (STRUCTURE, Statistics)],
            DataPageV2 => &[NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, FLAG, (STRUCTURE, Statistics)],
            DictionaryPage => &[NUMBER, NUMBER, FLAG],
        }
    }

    /// The kind of a list's elements.
    pub(super) fn element(self) -> u8 {
        match self {
            Self::Numbers => kind::I32,
            Self::Longs => kind::I64,
            Self::Texts => kind::BINARY,
            _ => kind::STRUCTURE,
        }
    }

    /// What lies in a field of this kind; `None` where it may not stand here. Of fields that came after this was written, plain
    /// values are passed over.
    pub(super) fn inside(self, field: i64, kind: u8) -> Option<Self> {
        match self.fields().get(usize::try_from(field - 1).ok()?) {
            Some(&(wanted, inside)) => {
                (wanted == kind || (wanted, kind) == (kind::TRUE, kind::FALSE)).then_some(inside)
            }
            None => (kind <= kind::BINARY).then_some(Self::Plain),
        }
    }
}
