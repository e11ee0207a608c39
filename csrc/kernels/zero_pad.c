/* Zeros around images, and the way back. Rows of bytes, whatever the dtype. */
#include "kernels/level.h"
#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 65536

typedef struct {
    const cnn_zero_pad2d *p;
    int64_t pieces;
    const char *from;
    char *to;
} pad_job;

static void pad_piece(void *context, int64_t piece, int thread)
{
    const pad_job *j = context;
    const cnn_zero_pad2d *p = j->p;
    int64_t begin, end, rows = p->height + p->top + p->bottom;
    size_t inner = (size_t)(p->width * p->pixel_bytes), left = (size_t)(p->left * p->pixel_bytes);
    size_t outer = inner + left + (size_t)(p->right * p->pixel_bytes);
    (void)thread;
    cnn_piece_range(p->batch * rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t h = row % rows - p->top;
        char *to = j->to + (size_t)row * outer;
        if (h < 0 || h >= p->height) {
            memset(to, 0, outer);
            continue;
        }
        memset(to, 0, left);
        memcpy(to + left, j->from + (size_t)(row / rows * p->height + h) * inner, inner);
        memset(to + left + inner, 0, outer - left - inner);
    }
}

static void crop_piece(void *context, int64_t piece, int thread)
{
    const pad_job *j = context;
    const cnn_zero_pad2d *p = j->p;
    int64_t begin, end, rows = p->height + p->top + p->bottom;
    size_t inner = (size_t)(p->width * p->pixel_bytes), left = (size_t)(p->left * p->pixel_bytes);
    size_t outer = inner + left + (size_t)(p->right * p->pixel_bytes);
    (void)thread;
    cnn_piece_range(p->batch * p->height, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t from = row / p->height * rows + p->top + row % p->height;
        memcpy(j->to + (size_t)row * inner, j->from + (size_t)from * outer + left, inner);
    }
}

static void run(cnn_piece_fn fn, const cnn_zero_pad2d *p, int64_t rows, const void *from, void *to)
{
    pad_job job = {p, cnn_pieces(rows * (p->width + p->left + p->right) * p->pixel_bytes, GRAIN), from, to};
    if (job.pieces > rows) job.pieces = rows;
    cnn_parallel(job.pieces, fn, &job);
}

void CNN_K(zero_pad2d)(const cnn_zero_pad2d *p, const void *x, void *y)
{
    run(pad_piece, p, p->batch * (p->height + p->top + p->bottom), x, y);
}

void CNN_K(crop2d)(const cnn_zero_pad2d *p, const void *y, void *x)
{
    run(crop_piece, p, p->batch * p->height, y, x);
}
