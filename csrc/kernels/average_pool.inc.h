/* See average_pool.c; included once per type. */

typedef struct {
    const cnn_pool2d *p;
    int64_t pieces;
    const REAL *x, *dy;
    REAL *y, *dx;
} R(average_pool_job);

/* The mean over pixels [h0, h1) x [w0, w1). */
static void R(average_window)(const cnn_pool2d *p, const REAL *image, int64_t h0, int64_t h1, int64_t w0, int64_t w1,
                              REAL *y)
{
    int64_t n = p->channels;
    REAL scale = 1 / (REAL)((h1 - h0) * (w1 - w0));
    for (int64_t c0 = 0; c0 < n; c0 += BLOCK) {
        int64_t count = n - c0 < BLOCK ? n - c0 : BLOCK;
        REAL sum[BLOCK] = {0};
        for (int64_t h = h0; h < h1; h++) {
            const REAL *v = image + (h * p->width + w0) * n + c0;
            if (w1 - w0 < 8) {
                for (int64_t w = w0; w < w1; w++, v += n)
                    for (int64_t c = 0; c < count; c++) sum[c] += v[c];
            } else { /* row by row: the long sums of global pooling keep more digits so */
                REAL row[BLOCK] = {0};
                for (int64_t w = w0; w < w1; w++, v += n)
                    for (int64_t c = 0; c < count; c++) row[c] += v[c];
                for (int64_t c = 0; c < count; c++) sum[c] += row[c];
            }
        }
        for (int64_t c = 0; c < count; c++) y[c0 + c] = sum[c] * scale;
    }
}

static void R(average_pool_piece)(void *context, int64_t piece, int thread)
{
    const R(average_pool_job) *j = context;
    const cnn_pool2d *p = j->p;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(p->batch * p->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t from_h = row % p->rows * p->stride_h - p->top, h0 = from_h < 0 ? 0 : from_h;
        int64_t h1 = from_h + p->window_h < p->height ? from_h + p->window_h : p->height;
        const REAL *image = j->x + row / p->rows * p->height * p->width * p->channels;
        for (int64_t ow = 0; ow < p->columns; ow++) {
            int64_t from_w = ow * p->stride_w - p->left, w0 = from_w < 0 ? 0 : from_w;
            int64_t w1 = from_w + p->window_w < p->width ? from_w + p->window_w : p->width;
            R(average_window)(p, image, h0, h1, w0, w1, j->y + (row * p->columns + ow) * p->channels);
        }
    }
}

void RK(average_pool2d)(const cnn_pool2d *p, const REAL *x, REAL *y)
{
    R(average_pool_job) job = {.p = p, .x = x, .y = y};
    int64_t rows = p->batch * p->rows;
    job.pieces = cnn_pieces(rows * p->columns * p->channels * p->window_h * p->window_w, GRAIN);
    if (job.pieces > rows) job.pieces = rows;
    cnn_parallel(job.pieces, R(average_pool_piece), &job);
}

/* Adds to row DX what flows into it from one row of results, whose windows have HEIGHT rows inside the image. */
static void R(average_flow_row)(const cnn_pool2d *p, const REAL *dy, int64_t height, REAL *dx)
{
    int64_t n = p->channels;
    for (int64_t ow = 0; ow < p->columns; ow++, dy += n) {
        int64_t from = ow * p->stride_w - p->left, w0 = from < 0 ? 0 : from;
        int64_t w1 = from + p->window_w < p->width ? from + p->window_w : p->width;
        REAL scale = 1 / (REAL)(height * (w1 - w0));
        for (int64_t w = w0; w < w1; w++) {
            REAL *to = dx + w * n;
            CNN_INDEPENDENT
            for (int64_t c = 0; c < n; c++) to[c] += dy[c] * scale;
        }
    }
}

static void R(average_pool_backward_piece)(void *context, int64_t piece, int thread)
{
    const R(average_pool_job) *j = context;
    const cnn_pool2d *p = j->p;
    int64_t begin, end, n = p->channels;
    (void)thread;
    cnn_piece_range(p->batch * p->height, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t h = row % p->height + p->top, image = row / p->height;
        int64_t last = h / p->stride_h < p->rows ? h / p->stride_h : p->rows - 1;
        int64_t first = h < p->window_h ? 0 : (h - p->window_h) / p->stride_h + 1;
        REAL *dx = j->dx + row * p->width * n;
        memset(dx, 0, (size_t)(p->width * n) * sizeof *dx);
        for (int64_t oh = first; oh <= last; oh++) {
            int64_t from_h = oh * p->stride_h - p->top, h0 = from_h < 0 ? 0 : from_h;
            int64_t h1 = from_h + p->window_h < p->height ? from_h + p->window_h : p->height;
            R(average_flow_row)(p, j->dy + (image * p->rows + oh) * p->columns * n, h1 - h0, dx);
        }
    }
}

void RK(average_pool2d_backward)(const cnn_pool2d *p, const REAL *dy, REAL *dx)
{
    R(average_pool_job) job = {.p = p, .dy = dy, .dx = dx};
    int64_t rows = p->batch * p->height;
    job.pieces = cnn_pieces(rows * p->width * p->channels, GRAIN);
    if (job.pieces > rows) job.pieces = rows;
    cnn_parallel(job.pieces, R(average_pool_backward_piece), &job);
}
