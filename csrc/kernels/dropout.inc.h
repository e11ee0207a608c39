/* See dropout.c; included once per type. */

typedef struct {
    const cnn_dropout *d;
    int64_t pieces;
    const REAL *x;
    REAL *y;
} R(dropout_job);

/* N elements with the noise from element AT on. */
static void R(drop_run)(const cnn_dropout *d, int64_t at, int64_t n, const REAL *x, REAL *y)
{
    uint32_t words[WORDS];
    REAL_INT keep[WORDS];
    REAL scale = (REAL)d->scale;
    for (int64_t done = 0; done < n;) {
        int64_t skip = (at + done) % 4, count = WORDS - skip < n - done ? WORDS - skip : n - done;
        philox_words(d->seed, d->stream, (uint64_t)((at + done) / 4), words);
        for (int i = 0; i < WORDS; i++) keep[i] = words[i] >= d->threshold;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < count; i++) {
            REAL v = x[done + i] * scale;
            y[done + i] = keep[skip + i] ? v : 0;
        }
        done += count;
    }
}

static void R(drop_row)(const cnn_dropout *d, int64_t row, const REAL *x, REAL *y)
{
    int64_t at = 0;
    for (int i = d->ndim - 1; i >= 0; i--) {
        at += row % d->dim[i] * d->stride[i];
        row /= d->dim[i];
    }
    if (!d->row_alike) {
        R(drop_run)(d, at, d->n, x, y);
        return;
    }
    REAL one = 1, factor;
    R(drop_run)(d, at, 1, &one, &factor);
    for (int64_t i = 0; i < d->n; i++) y[i] = factor != 0 ? x[i] * factor : 0;
}

static void R(dropout_piece)(void *context, int64_t piece, int thread)
{
    const R(dropout_job) *j = context;
    const cnn_dropout *d = j->d;
    int64_t begin, end;
    (void)thread;
    if (d->rows == 1 && !d->row_alike) { /* noise for every element */
        cnn_piece_range(d->n, j->pieces, piece, &begin, &end);
        R(drop_run)(d, begin, end - begin, j->x + begin, j->y + begin);
        return;
    }
    cnn_piece_range(d->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) R(drop_row)(d, row, j->x + row * d->n, j->y + row * d->n);
}

void RK(dropout)(const cnn_dropout *d, const REAL *x, REAL *y)
{
    R(dropout_job) job = {.d = d, .pieces = cnn_pieces(d->rows * d->n, GRAIN), .x = x, .y = y};
    int64_t most = d->rows == 1 && !d->row_alike ? d->n : d->rows;
    if (job.pieces > most) job.pieces = most;
    cnn_parallel(job.pieces, R(dropout_piece), &job);
}
