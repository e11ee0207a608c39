/* See resample.c; included once per type. */

typedef struct {
    const cnn_taps *taps;
    int64_t rows, pieces, inner;
    const REAL *x;
    REAL *y;
} R(resample_job);

static void R(resample_piece)(void *context, int64_t piece, int thread)
{
    const R(resample_job) *j = context;
    const cnn_taps *t = j->taps;
    int64_t begin, end, inner = j->inner;
    (void)thread;
    cnn_piece_range(j->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t outer = row / t->out, i = row % t->out;
        const REAL *x = j->x + (outer * t->in + t->first[i]) * inner;
        const double *weight = t->weight + i * t->most;
        REAL *y = j->y + row * inner;
        if (t->count[i] == 0) {
            memset(y, 0, (size_t)inner * sizeof *y);
            continue;
        }
        REAL w = (REAL)weight[0];
        CNN_INDEPENDENT
        for (int64_t c = 0; c < inner; c++) y[c] = w * x[c];
        for (int64_t k = 1; k < t->count[i]; k++) {
            const REAL *from = x + k * inner;
            w = (REAL)weight[k];
            CNN_INDEPENDENT
            for (int64_t c = 0; c < inner; c++) y[c] += w * from[c];
        }
    }
}

void RK(resample)(const cnn_taps *taps, int64_t outer, int64_t inner, const REAL *x, REAL *y)
{
    R(resample_job) job = {.taps = taps, .rows = outer * taps->out, .inner = inner, .x = x, .y = y};
    job.pieces = cnn_pieces(job.rows * inner * (taps->most < 8 ? taps->most : 8), GRAIN);
    if (job.pieces > job.rows) job.pieces = job.rows;
    cnn_parallel(job.pieces, R(resample_piece), &job);
}
