/* See random.h. Fills work in double; the caller narrows, so that float32 and float64 share one sequence. */
#include "runtime/random.h"

#include "runtime/parallel.h"

#include <math.h>

#define GRAIN 4096
#define TWO_PI 6.283185307179586

typedef struct {
    uint64_t seed, stream;
    int64_t n, pieces;
    double a, b;
    double *out;
    double (*draw)(uint64_t seed, uint64_t stream, uint64_t element);
} fill_job;

static double draw_uniform(uint64_t seed, uint64_t stream, uint64_t element)
{
    cnn_philox4 r = cnn_philox(seed, stream, element);
    return cnn_unit_f64(r.v[0], r.v[1]);
}

static double draw_normal(uint64_t seed, uint64_t stream, uint64_t element)
{
    cnn_philox4 r = cnn_philox(seed, stream, element);
    double u = 1.0 - cnn_unit_f64(r.v[0], r.v[1]); /* (0, 1]: its logarithm is finite */
    return sqrt(-2.0 * log(u)) * cos(TWO_PI * cnn_unit_f64(r.v[2], r.v[3]));
}

static double draw_truncated(uint64_t seed, uint64_t stream, uint64_t element)
{
    /* Rejection: the attempt's number goes into the high bits of the stream. 4.6 % are redrawn; 64 in a row never. */
    for (uint64_t attempt = 0; attempt < 64; attempt++) {
        double z = draw_normal(seed, stream ^ (attempt << 56), element);
        if (fabs(z) < 2.0) return z;
    }
    return 0.0;
}

static void fill_piece(void *context, int64_t piece, int thread)
{
    const fill_job *job = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(job->n, job->pieces, piece, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        job->out[i] = job->a + job->b * job->draw(job->seed, job->stream, (uint64_t)i);
}

static void fill(fill_job *job)
{
    job->pieces = cnn_pieces(job->n, GRAIN);
    cnn_parallel(job->pieces, fill_piece, job);
}

void cnn_random_uniform(uint64_t seed, uint64_t stream, int64_t n, double low, double high, double *out)
{
    fill(&(fill_job){seed, stream, n, 0, low, high - low, out, draw_uniform});
}

void cnn_random_normal(uint64_t seed, uint64_t stream, int64_t n, double mean, double deviation, double *out)
{
    fill(&(fill_job){seed, stream, n, 0, mean, deviation, out, draw_normal});
}

void cnn_random_truncated_normal(uint64_t seed, uint64_t stream, int64_t n, double mean, double deviation, double *out)
{
    fill(&(fill_job){seed, stream, n, 0, mean, deviation, out, draw_truncated});
}
