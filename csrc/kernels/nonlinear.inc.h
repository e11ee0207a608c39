/* See nonlinear.c; included once per type. */

typedef struct {
    cnn_nonlinear kind;
    REAL p[3];
    int64_t n, pieces;
    const REAL *v, *dy;
    REAL *out;
} R(nonlinear_job);

#define ROOT_HALF ((REAL)0.70710678118654752440)
#define ROOT_2_BY_PI ((REAL)0.79788456080286535588)
#define GELU_CUBE ((REAL)0.044715)

CNN_INLINE REAL R(nonlinear)(cnn_nonlinear kind, const REAL *p, REAL x)
{
    switch (kind) {
    case CNN_RELU_WITH: {
        REAL low = p[0] * (x - p[2]), y = x < p[2] ? (p[0] == 0 ? 0 : low) : x;
        return y > p[1] ? p[1] : y;
    }
    case CNN_ELU: return p[1] * (x > 0 ? x : p[0] * R(cnn_expm1_negative)(x));
    case CNN_GELU: return (REAL)0.5 * x * (REAL)(REAL_IS_F32 ? erfcf((float)(-x * ROOT_HALF)) : erfc(-x * ROOT_HALF));
    case CNN_GELU_TANH: return x * R(cnn_sigmoid)(2 * ROOT_2_BY_PI * (x + GELU_CUBE * x * x * x));
    case CNN_SOFTPLUS: {
        REAL e = R(cnn_exp)(x > 0 ? -x : x);
        return (x > 0 ? x : 0) + (REAL)(REAL_IS_F32 ? log1pf((float)e) : log1p(e));
    }
    case CNN_SOFTSIGN: return x / (1 + (x < 0 ? -x : x));
    case CNN_SILU: return x * R(cnn_sigmoid)(x);
    case CNN_HARD_SIGMOID: {
        REAL y = x * (REAL)(1.0 / 6) + (REAL)0.5;
        return y < 0 ? 0 : y > 1 ? 1 : y;
    }
    }
    return x;
}

/* V is the result y, but for GELU and SILU the argument x. */
CNN_INLINE REAL R(nonlinear_slope)(cnn_nonlinear kind, const REAL *p, REAL v)
{
    switch (kind) {
    case CNN_RELU_WITH: return v >= p[1] ? 0 : v > 0 ? 1 : p[0];
    case CNN_ELU: return v > 0 ? p[1] : v + p[0] * p[1];
    case CNN_GELU: {
        REAL below = (REAL)0.5 * (REAL)(REAL_IS_F32 ? erfcf((float)(-v * ROOT_HALF)) : erfc(-v * ROOT_HALF));
        return below + v * (ROOT_2_BY_PI / 2) * R(cnn_exp)(-v * v / 2);
    }
    case CNN_GELU_TANH: {
        REAL s = R(cnn_sigmoid)(2 * ROOT_2_BY_PI * (v + GELU_CUBE * v * v * v));
        return s + v * s * (1 - s) * (2 * ROOT_2_BY_PI) * (1 + 3 * GELU_CUBE * v * v);
    }
    case CNN_SOFTPLUS: return -R(cnn_expm1_negative)(-v);
    case CNN_SOFTSIGN: return (1 - (v < 0 ? -v : v)) * (1 - (v < 0 ? -v : v));
    case CNN_SILU: {
        REAL s = R(cnn_sigmoid)(v);
        return s * (1 + v * (1 - s));
    }
    case CNN_HARD_SIGMOID: return v > 0 && v < 1 ? (REAL)(1.0 / 6) : 0;
    }
    return 1;
}

CNN_INLINE void R(nonlinear_run)(cnn_nonlinear kind, const R(nonlinear_job) * j, int64_t begin, int64_t end)
{
    const REAL p[3] = {j->p[0], j->p[1], j->p[2]}, *v = j->v, *dy = j->dy;
    REAL *out = j->out;
    if (dy) {
        CNN_INDEPENDENT
        for (int64_t i = begin; i < end; i++) out[i] = dy[i] * R(nonlinear_slope)(kind, p, v[i]);
    } else {
        CNN_INDEPENDENT
        for (int64_t i = begin; i < end; i++) out[i] = R(nonlinear)(kind, p, v[i]);
    }
}

static void R(nonlinear_piece)(void *context, int64_t piece, int thread)
{
    const R(nonlinear_job) *j = context;
    int64_t b, e;
    (void)thread;
    cnn_piece_range(j->n, j->pieces, piece, &b, &e);
    switch (j->kind) {
    case CNN_RELU_WITH: R(nonlinear_run)(CNN_RELU_WITH, j, b, e); break;
    case CNN_ELU: R(nonlinear_run)(CNN_ELU, j, b, e); break;
    case CNN_GELU: R(nonlinear_run)(CNN_GELU, j, b, e); break;
    case CNN_GELU_TANH: R(nonlinear_run)(CNN_GELU_TANH, j, b, e); break;
    case CNN_SOFTPLUS: R(nonlinear_run)(CNN_SOFTPLUS, j, b, e); break;
    case CNN_SOFTSIGN: R(nonlinear_run)(CNN_SOFTSIGN, j, b, e); break;
    case CNN_SILU: R(nonlinear_run)(CNN_SILU, j, b, e); break;
    case CNN_HARD_SIGMOID: R(nonlinear_run)(CNN_HARD_SIGMOID, j, b, e); break;
    }
}

static void R(nonlinear_all)(cnn_nonlinear kind, const double *p, int64_t n, const REAL *v, const REAL *dy, REAL *out)
{
    R(nonlinear_job) job = {kind, {(REAL)p[0], (REAL)p[1], (REAL)p[2]}, n, cnn_pieces(n, GRAIN), v, dy, out};
    cnn_parallel(job.pieces, R(nonlinear_piece), &job);
}

void RK(nonlinear)(cnn_nonlinear kind, const double *p, int64_t n, const REAL *x, REAL *y)
{
    R(nonlinear_all)(kind, p, n, x, NULL, y);
}

void RK(nonlinear_backward)(cnn_nonlinear kind, const double *p, int64_t n, const REAL *v, const REAL *dy, REAL *dx)
{
    R(nonlinear_all)(kind, p, n, v, dy, dx);
}

#undef ROOT_HALF
#undef ROOT_2_BY_PI
#undef GELU_CUBE
