//! Products of matrices, by crate `gemm`.
#![expect(unsafe_code, reason = "crate gemm's only function is unsafe; sizes and steps are those of slices here")]

/// A matrix in a slice: element (row, column) stands at `row * row_step + column * column_step`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix row after row.
    ///
    /// # Panics
    /// When the slice is not as long as that.
    pub(crate) fn new(data: &'a [f32], [rows, columns]: [usize; 2]) -> Self {
        assert_eq!(data.len(), rows * columns, "{rows} × {columns} numbers make the matrix");
        Self { data, rows, columns, row_step: columns, column_step: 1 }
    }

    /// Rows as columns.
    pub(crate) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_step: self.column_step, column_step: self.row_step, ..self }
    }
}

/// `to = left × right`, or `to += left × right` where `add`; `to` is row after row.
///
/// # Panics
/// When shapes do not fit.
pub(crate) fn product(left: Matrix, right: Matrix, to: &mut [f32], add: bool) {
    assert_eq!(left.columns, right.rows, "columns on the left, rows on the right");
    assert_eq!(to.len(), left.rows * right.columns, "the product's size");
    // SAFETY: sizes and steps are of whole matrices within their slices (`Matrix::new`, `transposed`), that of `to` was just looked at,
    // and `to` is borrowed alone.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            to.as_mut_ptr(),
            1,
            right.columns as isize,
            add,
            left.data.as_ptr(),
            left.column_step as isize,
            left.row_step as isize,
            right.data.as_ptr(),
            right.column_step as isize,
            right.row_step as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
