/* See max_pool.c; included once per type. */

typedef struct {
    const cnn_pool2d *p;
    int64_t pieces;
    const REAL *x, *dy;
    REAL *y, *dx;
    void *index;
} R(max_pool_job);

/* Does V take the place of BEST? A NaN does, and keeps it. */
CNN_INLINE bool R(exceeds)(REAL v, REAL best)
{
    return !(v <= best) & (best == best);
}

CNN_INLINE void R(note)(void *index, bool wide, int64_t at, REAL_INT place)
{
    if (wide) ((int32_t *)index)[at] = (int32_t)place;
    else ((uint8_t *)index)[at] = (uint8_t)place;
}

/* ---- forward ---- */

CNN_INLINE REAL R(larger)(REAL v, REAL best)
{
    REAL more = v > best ? v : best;
    return v != v ? v : more;
}

/* A whole 2 by 2 window; X0 and X1 are its rows. The maximum first, then where it is: that form compilers turn into
 * vectors. Places are noted at the width of REAL before they are narrowed, for the same reason. */
CNN_INLINE void R(max_2x2)(int64_t n, const REAL *x0, const REAL *x1, REAL *y, uint8_t *index)
{
    for (int64_t c0 = 0; c0 < n; c0 += BLOCK) {
        int64_t count = n - c0 < BLOCK ? n - c0 : BLOCK;
        REAL_INT place[BLOCK];
        CNN_INDEPENDENT
        for (int64_t c = 0; c < count; c++) {
            REAL v0 = x0[c0 + c], v1 = x0[n + c0 + c], v2 = x1[c0 + c], v3 = x1[n + c0 + c];
            REAL most = R(larger)(v3, R(larger)(v2, R(larger)(v1, v0)));
            REAL_INT at = 3;
            at = ((v2 == most) | (v2 != v2)) ? 2 : at;
            at = ((v1 == most) | (v1 != v1)) ? 1 : at;
            at = ((v0 == most) | (v0 != v0)) ? 0 : at;
            y[c0 + c] = most;
            place[c] = at;
        }
        if (!index) continue;
        for (int64_t c = 0; c < count; c++) index[c0 + c] = (uint8_t)place[c];
    }
}

/* Any window: pixels [h0, h1) x [w0, w1) of an image, of which FIRST is the place of (h0, w0). */
CNN_INLINE void R(max_window)(const cnn_pool2d *p, const REAL *image, int64_t h0, int64_t h1, int64_t w0, int64_t w1,
                              int64_t first, bool wide, REAL *y, void *index, int64_t at)
{
    int64_t n = p->channels;
    for (int64_t c0 = 0; c0 < n; c0 += BLOCK) {
        int64_t count = n - c0 < BLOCK ? n - c0 : BLOCK;
        REAL best[BLOCK];
        REAL_INT place[BLOCK];
        const REAL *start = image + (h0 * p->width + w0) * n + c0;
        for (int64_t c = 0; c < count; c++) {
            best[c] = start[c];
            place[c] = (REAL_INT)first;
        }
        for (int64_t h = h0; h < h1; h++) {
            for (int64_t w = w0; w < w1; w++) {
                const REAL *v = image + (h * p->width + w) * n + c0;
                REAL_INT here = (REAL_INT)(first + (h - h0) * p->window_w + w - w0);
                for (int64_t c = 0; c < count; c++) {
                    bool more = R(exceeds)(v[c], best[c]);
                    best[c] = more ? v[c] : best[c];
                    place[c] = more ? here : place[c];
                }
            }
        }
        memcpy(y + c0, best, (size_t)count * sizeof *y);
        if (!index) continue;
        for (int64_t c = 0; c < count; c++) R(note)(index, wide, at + c0 + c, place[c]);
    }
}

CNN_INLINE void R(max_row)(const R(max_pool_job) * j, int64_t row, bool wide)
{
    const cnn_pool2d *p = j->p;
    int64_t n = p->channels, oh = row % p->rows;
    int64_t from_h = oh * p->stride_h - p->top, h0 = from_h < 0 ? 0 : from_h;
    int64_t h1 = from_h + p->window_h < p->height ? from_h + p->window_h : p->height;
    bool two = p->window_h == 2 && p->window_w == 2 && h1 - h0 == 2 && !wide;
    const REAL *image = j->x + row / p->rows * p->height * p->width * n;
    for (int64_t ow = 0; ow < p->columns; ow++) {
        int64_t from_w = ow * p->stride_w - p->left, w0 = from_w < 0 ? 0 : from_w, at = (row * p->columns + ow) * n;
        int64_t w1 = from_w + p->window_w < p->width ? from_w + p->window_w : p->width;
        if (two && w1 - w0 == 2) {
            const REAL *x0 = image + (h0 * p->width + w0) * n, *x1 = x0 + p->width * n;
            if (j->index) R(max_2x2)(n, x0, x1, j->y + at, (uint8_t *)j->index + at);
            else R(max_2x2)(n, x0, x1, j->y + at, NULL);
        } else {
            int64_t first = (h0 - from_h) * p->window_w + w0 - from_w;
            R(max_window)(p, image, h0, h1, w0, w1, first, wide, j->y + at, j->index, at);
        }
    }
}

static void R(max_pool_piece)(void *context, int64_t piece, int thread)
{
    const R(max_pool_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->p->batch * j->p->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        if (j->p->wide_index) R(max_row)(j, row, true);
        else R(max_row)(j, row, false);
    }
}

void RK(max_pool2d)(const cnn_pool2d *p, const REAL *x, REAL *y, void *index)
{
    R(max_pool_job) job = {.p = p, .x = x, .y = y, .index = index};
    int64_t rows = p->batch * p->rows;
    job.pieces = cnn_pieces(rows * p->columns * p->channels * p->window_h * p->window_w, GRAIN);
    if (job.pieces > rows) job.pieces = rows;
    cnn_parallel(job.pieces, R(max_pool_piece), &job);
}

/* ---- backward ---- */

/* What flows from n results into one pixel of each channel: dy where the maximum was at PLACE. */
CNN_INLINE void R(max_flow)(int64_t n, const REAL *dy, const void *index, bool wide, int32_t place, bool add, REAL *dx)
{
    const uint8_t *narrow_index = index;
    const int32_t *wide_index = index;
    CNN_INDEPENDENT
    for (int64_t c = 0; c < n; c++) {
        REAL_INT at = wide ? wide_index[c] : narrow_index[c];
        REAL g = dy[c]; /* read whether needed or not: a condition on the read would keep the loop from being vectors */
        g = at == place ? g : 0;
        dx[c] = add ? dx[c] + g : g;
    }
}

/* Row H of an image of dx, from row OH of the results. Without ADD, what lies between and beyond windows gets zeros. */
CNN_INLINE void R(max_flow_row)(const R(max_pool_job) * j, int64_t result_row, int64_t down, REAL *dx, bool wide,
                                bool add)
{
    const cnn_pool2d *p = j->p;
    int64_t n = p->channels, done = 0; /* pixels [0, done) are written */
    for (int64_t ow = 0; ow < p->columns; ow++) {
        int64_t from = ow * p->stride_w - p->left, at = (result_row * p->columns + ow) * n;
        int64_t w0 = from < 0 ? 0 : from, w1 = from + p->window_w < p->width ? from + p->window_w : p->width;
        const char *index = (const char *)j->index + at * (wide ? 4 : 1);
        if (!add && w0 > done) memset(dx + done * n, 0, (size_t)((w0 - done) * n) * sizeof *dx);
        for (int64_t w = w0; w < w1; w++)
            R(max_flow)(n, j->dy + at, index, wide, (int32_t)(down * p->window_w + w - from), add, dx + w * n);
        done = w1;
    }
    if (!add && done < p->width) memset(dx + done * n, 0, (size_t)((p->width - done) * n) * sizeof *dx);
}

CNN_INLINE void R(max_gather_row)(const R(max_pool_job) * j, int64_t row, bool wide)
{
    const cnn_pool2d *p = j->p;
    int64_t h = row % p->height + p->top, image = row / p->height;
    REAL *dx = j->dx + row * p->width * p->channels;
    bool apart = p->stride_h >= p->window_h && p->stride_w >= p->window_w;
    int64_t last = h / p->stride_h < p->rows ? h / p->stride_h : p->rows - 1;
    int64_t first = h < p->window_h ? 0 : (h - p->window_h) / p->stride_h + 1;
    if (apart && first == last) {
        R(max_flow_row)(j, image * p->rows + first, h - first * p->stride_h, dx, wide, false);
        return;
    }
    memset(dx, 0, (size_t)(p->width * p->channels) * sizeof *dx);
    for (int64_t oh = first; oh <= last; oh++)
        R(max_flow_row)(j, image * p->rows + oh, h - oh * p->stride_h, dx, wide, true);
}

static void R(max_pool_backward_piece)(void *context, int64_t piece, int thread)
{
    const R(max_pool_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->p->batch * j->p->height, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        if (j->p->wide_index) R(max_gather_row)(j, row, true);
        else R(max_gather_row)(j, row, false);
    }
}

void RK(max_pool2d_backward)(const cnn_pool2d *p, const REAL *dy, const void *index, REAL *dx)
{
    R(max_pool_job) job = {.p = p, .dy = dy, .dx = dx, .index = (void *)index};
    int64_t rows = p->batch * p->height;
    job.pieces = cnn_pieces(rows * p->width * p->channels, GRAIN);
    if (job.pieces > rows) job.pieces = rows;
    cnn_parallel(job.pieces, R(max_pool_backward_piece), &job);
}
