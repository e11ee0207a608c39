/* Matrix products by OpenBLAS, single-threaded inside our own fixed partition, so that the bits do not depend on the
 * thread count. Row-major. */
#ifndef CNN_KERNELS_GEMM_H
#define CNN_KERNELS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* C[M,N] = op(A)[M,K] op(B)[K,N] + beta C; op transposes if asked. LDA, LDB, LDC are row strides in elements. */
void cnn_gemm_f32(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                  const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void cnn_gemm_f64(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                  const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

/* For use inside a piece of a parallel loop: serial, same arguments. */
void cnn_gemm_serial_f32(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                         int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void cnn_gemm_serial_f64(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const double *a,
                         int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

/* Sets OpenBLAS to one thread of its own; called once at start. */
void cnn_gemm_init(void);
/* OpenBLAS's own words on its version and the processor it runs for. */
const char *cnn_gemm_description(void);

#endif
