/* Loops over flat arrays. */
#include "kernels/level.h"

#include "runtime/parallel.h"

#define GRAIN 32768

typedef struct {
    int64_t n, pieces;
    const void *x;
    void *y;
} flat_job;

static void accumulate_piece_f32(void *context, int64_t piece, int thread)
{
    const flat_job *job = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(job->n, job->pieces, piece, &begin, &end);
    const float *x = job->x;
    float *sum = job->y;
    for (int64_t i = begin; i < end; i++) sum[i] += x[i];
}

static void accumulate_piece_f64(void *context, int64_t piece, int thread)
{
    const flat_job *job = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(job->n, job->pieces, piece, &begin, &end);
    const double *x = job->x;
    double *sum = job->y;
    for (int64_t i = begin; i < end; i++) sum[i] += x[i];
}

void CNN_K(accumulate_f32)(int64_t n, const float *x, float *sum)
{
    flat_job job = {n, cnn_pieces(n, GRAIN), x, sum};
    cnn_parallel(job.pieces, accumulate_piece_f32, &job);
}

void CNN_K(accumulate_f64)(int64_t n, const double *x, double *sum)
{
    flat_job job = {n, cnn_pieces(n, GRAIN), x, sum};
    cnn_parallel(job.pieces, accumulate_piece_f64, &job);
}
