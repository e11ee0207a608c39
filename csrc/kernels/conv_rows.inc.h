/* Copies of image rows for the convolutions: with zeros beyond the edges, and through an activation's gradient. */

/* dy * act'(y); softmax is not among them (see conv.c). */
CNN_INLINE REAL R(conv_slope)(cnn_activation act, REAL y, REAL dy)
{
    switch (act) {
    case CNN_RELU: return y > 0 ? dy : 0;
    case CNN_SIGMOID: return dy * (y * (1 - y));
    case CNN_TANH: return dy * (1 - y * y);
    default: return dy;
    }
}

static __attribute__((unused)) void R(conv_gate)(cnn_activation act, int64_t n, const REAL *dy, const REAL *y, REAL *z)
{
    switch (act) {
    case CNN_RELU:
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) z[i] = R(conv_slope)(CNN_RELU, y[i], dy[i]);
        break;
    case CNN_SIGMOID:
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) z[i] = R(conv_slope)(CNN_SIGMOID, y[i], dy[i]);
        break;
    case CNN_TANH:
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) z[i] = R(conv_slope)(CNN_TANH, y[i], dy[i]);
        break;
    default: memcpy(z, dy, (size_t)n * sizeof *z);
    }
}

/* z[ROWS, COLUMNS, C] = the part of image[H, W, C] whose first pixel is (row, column); zeros outside of the image. GATE
 * is the image of y, or NULL. */
static __attribute__((unused)) void R(conv_copy)(const REAL *image, const REAL *gate, cnn_activation act, int64_t h,
                                                 int64_t w, int64_t channels, int64_t row, int64_t column, int64_t rows,
                                                 int64_t columns, REAL *z)
{
    int64_t left = column < 0 ? -column : 0, inside = (column + columns < w ? column + columns : w) - column - left;
    if (left > columns) left = columns;
    if (inside < 0) inside = 0;
    int64_t right = columns - left - inside;
    for (int64_t i = row; i < row + rows; i++) {
        if (i < 0 || i >= h || inside == 0) {
            memset(z, 0, (size_t)(columns * channels) * sizeof *z);
            z += columns * channels;
            continue;
        }
        int64_t at = (i * w + column + left) * channels;
        memset(z, 0, (size_t)(left * channels) * sizeof *z);
        z += left * channels;
        R(conv_gate)(act, inside * channels, image + at, gate ? gate + at : NULL, z);
        z += inside * channels;
        memset(z, 0, (size_t)(right * channels) * sizeof *z);
        z += right * channels;
    }
}
