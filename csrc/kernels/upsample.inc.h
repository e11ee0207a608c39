/* See upsample.c; included once per type. */

typedef struct {
    const cnn_upsample2d *u;
    int64_t pieces, rows;
    const REAL *from;
    REAL *to;
} R(upsample_job);

/* ---- nearest: one row of x and the rows of y that repeat it ---- */

static void R(repeat_row)(const cnn_upsample2d *u, int64_t row, const REAL *x, REAL *y)
{
    int64_t n = u->channels, length = u->width * u->scale_w * n;
    REAL *to = y + row * u->scale_h * length;
    x += row * u->width * n;
    for (int64_t w = 0; w < u->width; w++, x += n)
        for (int64_t j = 0; j < u->scale_w; j++) memcpy(to + (w * u->scale_w + j) * n, x, (size_t)n * sizeof *x);
    for (int64_t i = 1; i < u->scale_h; i++) memcpy(to + i * length, to, (size_t)length * sizeof *to);
}

static void R(sum_repeats)(const cnn_upsample2d *u, int64_t row, const REAL *dy, REAL *dx)
{
    int64_t n = u->channels, length = u->width * u->scale_w * n;
    dx += row * u->width * n;
    dy += row * u->scale_h * length;
    memset(dx, 0, (size_t)(u->width * n) * sizeof *dx);
    for (int64_t i = 0; i < u->scale_h; i++) {
        const REAL *from = dy + i * length;
        for (int64_t w = 0; w < u->width; w++) {
            for (int64_t j = 0; j < u->scale_w; j++, from += n) {
                CNN_INDEPENDENT
                for (int64_t c = 0; c < n; c++) dx[w * n + c] += from[c];
            }
        }
    }
}

/* ---- bilinear ---- */

static void R(blend_row)(const cnn_upsample2d *u, int64_t row, const REAL *x, REAL *y)
{
    int64_t n = u->channels, rows = u->height * u->scale_h, columns = u->width * u->scale_w;
    between v = place(row % rows, u->scale_h, u->height);
    const REAL *image = x + row / rows * u->height * u->width * n;
    const REAL *upper = image + v.lo * u->width * n, *lower = image + v.hi * u->width * n;
    REAL down = (REAL)v.share;
    y += row * columns * n;
    for (int64_t ow = 0; ow < columns; ow++, y += n) {
        between h = place(ow, u->scale_w, u->width);
        REAL right = (REAL)h.share;
        const REAL *a = upper + h.lo * n, *b = upper + h.hi * n, *c = lower + h.lo * n, *d = lower + h.hi * n;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) {
            REAL top = a[i] + (b[i] - a[i]) * right, bottom = c[i] + (d[i] - c[i]) * right;
            y[i] = top + (bottom - top) * down;
        }
    }
}

/* Adds WEIGHT times one row of dy to a row of dx. */
static void R(unblend_row)(const cnn_upsample2d *u, REAL weight, const REAL *dy, REAL *dx)
{
    int64_t n = u->channels, columns = u->width * u->scale_w;
    for (int64_t ow = 0; ow < columns; ow++, dy += n) {
        between h = place(ow, u->scale_w, u->width);
        REAL right = weight * (REAL)h.share, left = weight - right;
        REAL *a = dx + h.lo * n, *b = dx + h.hi * n;
        if (h.lo == h.hi) {
            CNN_INDEPENDENT
            for (int64_t i = 0; i < n; i++) a[i] += weight * dy[i];
        } else {
            CNN_INDEPENDENT
            for (int64_t i = 0; i < n; i++) {
                a[i] += left * dy[i];
                b[i] += right * dy[i];
            }
        }
    }
}

static void R(gather_row)(const cnn_upsample2d *u, int64_t row, const REAL *dy, REAL *dx)
{
    int64_t n = u->channels, rows = u->height * u->scale_h, length = u->width * u->scale_w * n, h = row % u->height;
    int64_t first = (h - 1) * u->scale_h, last = (h + 2) * u->scale_h;
    if (first < 0) first = 0;
    if (last > rows) last = rows;
    dx += row * u->width * n;
    memset(dx, 0, (size_t)(u->width * n) * sizeof *dx);
    for (int64_t oh = first; oh < last; oh++) {
        between v = place(oh, u->scale_h, u->height);
        double weight = (v.lo == h ? 1 - v.share : 0) + (v.hi == h ? v.share : 0);
        if (weight != 0) R(unblend_row)(u, (REAL)weight, dy + (row / u->height * rows + oh) * length, dx);
    }
}

/* ---- all rows ---- */

static void R(upsample_piece)(void *context, int64_t piece, int thread)
{
    const R(upsample_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        if (j->u->bilinear) R(blend_row)(j->u, row, j->from, j->to);
        else R(repeat_row)(j->u, row, j->from, j->to);
    }
}

static void R(upsample_backward_piece)(void *context, int64_t piece, int thread)
{
    const R(upsample_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        if (j->u->bilinear) R(gather_row)(j->u, row, j->from, j->to);
        else R(sum_repeats)(j->u, row, j->from, j->to);
    }
}

static void R(upsample_rows)(cnn_piece_fn fn, const cnn_upsample2d *u, int64_t rows, const REAL *from, REAL *to)
{
    R(upsample_job) job = {.u = u, .rows = rows, .from = from, .to = to};
    job.pieces = cnn_pieces(u->batch * u->height * u->scale_h * u->width * u->scale_w * u->channels, GRAIN);
    if (job.pieces > rows) job.pieces = rows;
    cnn_parallel(job.pieces, fn, &job);
}

void RK(upsample2d)(const cnn_upsample2d *u, const REAL *x, REAL *y)
{
    R(upsample_rows)(R(upsample_piece), u, u->batch * u->height * (u->bilinear ? u->scale_h : 1), x, y);
}

void RK(upsample2d_backward)(const cnn_upsample2d *u, const REAL *dy, REAL *dx)
{
    R(upsample_rows)(R(upsample_backward_piece), u, u->batch * u->height, dy, dx);
}
