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

/* z[PIXELS, C] = the pixels from COLUMN on of row ROW of what was pooled: dy where the place says so, else 0. DY and
 * PLACE are the images of W windows in a row. */
CNN_INLINE void R(conv_unpool)(const REAL *dy, const uint8_t *place, int64_t pool, int64_t w, int64_t channels,
                               int64_t row, int64_t column, int64_t pixels, REAL *z)
{
    for (int64_t i = column; i < column + pixels; i++, z += channels) {
        int64_t at = (row / pool * w + i / pool) * channels;
        const REAL *g = dy + at;
        const uint8_t *p = place + at;
        const uint8_t here = (uint8_t)(row % pool * pool + i % pool);
        CNN_INDEPENDENT
        for (int64_t c = 0; c < channels; c++) {
            REAL v = g[c]; /* read whether needed or not, so that the loop becomes vectors */
            z[c] = p[c] == here ? v : 0;
        }
    }
}

/* An image that is read through what was done to it: pixels[H, W, C] itself if GATE is CNN_LINEAR, times the gradient
 * of the activation GATE whose values are Y, or, with a POOL, spread to the PLACE of each, or, with an UP, repeated.
 * POOL or UP is 1, or both. */
typedef struct {
    const REAL *pixels, *y;
    const uint8_t *place;
    cnn_activation gate;
    int64_t pool, up;
    int64_t h, w, channels; /* of the pixels before pooling, after repeating */
} R(conv_image);

/* z[PIXELS, C] = the pixels from COLUMN on of row ROW of an image whose pixels are repeated. */
CNN_INLINE void R(conv_repeat)(const R(conv_image) * s, int64_t row, int64_t column, int64_t pixels, REAL *z)
{
    const REAL *from = s->pixels + row / s->up * (s->w / s->up) * s->channels;
    for (int64_t i = column; i < column + pixels; i++, z += s->channels)
        memcpy(z, from + i / s->up * s->channels, (size_t)s->channels * sizeof *z);
}

/* z[PIXELS, C] = the pixels from COLUMN on of row ROW, all inside. */
CNN_INLINE void R(conv_copy_row)(const R(conv_image) * s, int64_t row, int64_t column, int64_t pixels, REAL *z)
{
    int64_t at = (row * s->w + column) * s->channels;
    if (s->pool > 1) R(conv_unpool)(s->pixels, s->place, s->pool, s->w / s->pool, s->channels, row, column, pixels, z);
    else if (s->up > 1) R(conv_repeat)(s, row, column, pixels, z);
    else R(conv_gate)(s->gate, pixels * s->channels, s->pixels + at, s->y ? s->y + at : NULL, z);
}

/* z[ROWS, COLUMNS, C] = the part of the image whose first pixel is (row, column); zeros outside of it. */
static __attribute__((unused)) void R(conv_copy)(const R(conv_image) * s, int64_t row, int64_t column, int64_t rows,
                                                 int64_t columns, REAL *z)
{
    int64_t channels = s->channels, h = s->h, w = s->w;
    if (s->pool > 1) { /* what no window covers has no gradient */
        h -= h % s->pool;
        w -= w % s->pool;
    }
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
        memset(z, 0, (size_t)(left * channels) * sizeof *z);
        z += left * channels;
        R(conv_copy_row)(s, i, column + left, inside, z);
        z += inside * channels;
        memset(z, 0, (size_t)(right * channels) * sizeof *z);
        z += right * channels;
    }
}

/* Image N of a batch like IMAGE, the first one. */
CNN_INLINE R(conv_image) R(conv_image_at)(const R(conv_image) * first, int64_t n)
{
    R(conv_image) s = *first;
    int64_t size = s.h / s.pool / s.up * (s.w / s.pool / s.up) * s.channels;
    s.pixels += n * size;
    if (s.y) s.y += n * size;
    if (s.place) s.place += n * size;
    return s;
}
