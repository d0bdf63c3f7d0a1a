//! Cards of published weights as tables: a file of tab-separated columns, one row a card, whose first line names the columns. An
//! empty cell says nothing.
//!
//! The tables are part of the program, so that a mistake in one is a programmer's, which the tests of cards find.

use mvl_core::{Filter, ResizeTo};

use super::WeightsCard;

/// The cards of a table; what it does not say, they have from `common`.
///
/// # Panics
/// If a column is unknown, or a cell does not hold what its column wants.
pub(super) fn cards(table: &'static str, common: &WeightsCard) -> Vec<WeightsCard> {
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let card = |line: &'static str| {
        let mut card = *common;
        let cells = columns.iter().zip(line.split('\t')).filter(|(_, cell)| !cell.is_empty());
        cells.for_each(|(column, cell)| fill(&mut card, column, cell));
        card
    };
    lines.map(card).collect()
}

fn fill(card: &mut WeightsCard, column: &str, cell: &'static str) {
    match column {
        "id" => {
            card.id = cell;
            card.model = cell.split_once('.').map_or(cell, |(model, _)| model);
        }
        "file" => card.file_name = cell,
        "other_file" => card.other_name = Some(cell),
        "url" => card.url = cell,
        "sha256" => card.sha256 = Some(cell),
        "size_mib" => card.size_mib = Some(number(column, cell)),
        "parameters" => card.parameters = Some(number(column, cell)),
        "top_1" => card.top_1 = Some(number(column, cell)),
        "top_5" => card.top_5 = Some(number(column, cell)),
        "licence" => card.licence = cell,
        "source" => card.source = cell,
        "paper" => card.paper = Some(cell),
        "recipe" => card.recipe = Some(cell),
        "num_classes" => card.num_classes = number(column, cell),
        "short_side" => card.resize = ResizeTo::ShortSide(number(column, cell)),
        "both_sides" => card.resize = ResizeTo::Exact([number(column, cell); 2]),
        "crop" => card.crop = number(column, cell),
        "filter" => {
            card.filter = match cell {
                "bilinear" => Filter::Bilinear,
                "bicubic" => Filter::Bicubic,
                other => panic!("filter {other:?}"),
            }
        }
        "mean" => card.mean = triple(column, cell),
        "std" => card.std = triple(column, cell),
        other => panic!("column {other:?}"),
    }
}

fn number<T: std::str::FromStr>(column: &str, cell: &str) -> T {
    cell.parse().unwrap_or_else(|_| panic!("{column}: {cell:?} is no such number"))
}

fn triple(column: &str, cell: &str) -> [f32; 3] {
    let numbers: Vec<f32> = cell.split(' ').map(|word| number(column, word)).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{column}: {cell:?} are not three numbers"))
}
