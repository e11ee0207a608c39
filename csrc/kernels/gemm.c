/* See gemm.h. The PyPI wheel's OpenBLAS has the prefix scipy_ on its symbols, the system's has none. */
#include "kernels/gemm.h"

#include "runtime/parallel.h"

#include <string.h>

#ifdef BLAS_SYMBOL_PREFIX
#define CNN_BLAS_PASTE_(a, b) a##b
#define CNN_BLAS_PASTE(a, b) CNN_BLAS_PASTE_(a, b)
#define BLAS(name) CNN_BLAS_PASTE(BLAS_SYMBOL_PREFIX, name)
#else
#define BLAS(name) name
#endif

/* The part of cblas.h that is used; declared here since its place differs between distributions. 32-bit integers. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
void BLAS(cblas_sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *,
                       int);
void BLAS(cblas_dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *,
                       int);
void BLAS(openblas_set_num_threads)(int);
char *BLAS(openblas_get_config)(void);

void cnn_gemm_init(void)
{
    BLAS(openblas_set_num_threads)(1);
}

const char *cnn_gemm_description(void)
{
    return BLAS(openblas_get_config)();
}

/* Multiplications below this are not worth a second thread. */
#define WORTH_A_PIECE ((int64_t)1 << 18)
#define TILE 64

#define DEFINE_GEMM(T, suffix, blas)                                                                                   \
    void cnn_gemm_serial_##suffix(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T *a, int64_t lda,          \
                                  const T *b, int64_t ldb, T beta, T *c, int64_t ldc)                                  \
    {                                                                                                                  \
        if (m == 0 || n == 0) return;                                                                                  \
        if (k == 0) {                                                                                                  \
            if (beta == 0)                                                                                             \
                for (int64_t i = 0; i < m; i++) memset(c + i * ldc, 0, (size_t)n * sizeof(T));                         \
            return;                                                                                                    \
        }                                                                                                              \
        BLAS(blas)(ROW_MAJOR, ta ? TRANSPOSE : NO_TRANSPOSE, tb ? TRANSPOSE : NO_TRANSPOSE, (int)m, (int)n, (int)k, 1, \
                   a, (int)lda, b, (int)ldb, beta, c, (int)ldc);                                                       \
    }                                                                                                                  \
                                                                                                                       \
    typedef struct {                                                                                                   \
        bool ta, tb, by_rows;                                                                                          \
        int64_t m, n, k, lda, ldb, ldc, pieces;                                                                        \
        const T *a, *b;                                                                                                \
        T *c, beta;                                                                                                    \
    } gemm_job_##suffix;                                                                                               \
                                                                                                                       \
    static void gemm_piece_##suffix(void *context, int64_t piece, int thread)                                          \
    {                                                                                                                  \
        const gemm_job_##suffix *j = context;                                                                          \
        int64_t begin, end;                                                                                            \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->by_rows ? j->m : j->n, j->pieces, piece, &begin, &end);                                     \
        if (j->by_rows)                                                                                                \
            cnn_gemm_serial_##suffix(j->ta, j->tb, end - begin, j->n, j->k, j->a + (j->ta ? begin : begin * j->lda),   \
                                     j->lda, j->b, j->ldb, j->beta, j->c + begin * j->ldc, j->ldc);                    \
        else                                                                                                           \
            cnn_gemm_serial_##suffix(j->ta, j->tb, j->m, end - begin, j->k, j->a, j->lda,                              \
                                     j->b + (j->tb ? begin * j->ldb : begin), j->ldb, j->beta, j->c + begin, j->ldc);  \
    }                                                                                                                  \
                                                                                                                       \
    void cnn_gemm_##suffix(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T *a, int64_t lda, const T *b,     \
                           int64_t ldb, T beta, T *c, int64_t ldc)                                                     \
    {                                                                                                                  \
        gemm_job_##suffix job = {ta, tb, m >= n, m, n, k, lda, ldb, ldc, 1, a, b, c, beta};                            \
        int64_t longer = m >= n ? m : n, most = (longer + TILE - 1) / TILE, work = m * n * k / WORTH_A_PIECE;          \
        job.pieces = work < most ? work : most;                                                                        \
        if (job.pieces > 8) job.pieces = 8; /* larger pieces serve OpenBLAS better */                                  \
        if (job.pieces < 1) job.pieces = 1;                                                                            \
        cnn_parallel(job.pieces, gemm_piece_##suffix, &job);                                                           \
    }

DEFINE_GEMM(float, f32, cblas_sgemm)
DEFINE_GEMM(double, f64, cblas_dgemm)
