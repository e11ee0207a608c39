/* The rows of binary.c for one type, included once per type. Before it: T, the type; U, the unsigned type it wraps in
 * (integers); S, the suffix of names; KIND, which is BOOLEAN, INTEGER or REAL; F, the suffix of the mathematical
 * library's names (reals). */

#define NAME(name) CNN_PASTE(name, S)
#define R(name) CNN_PASTE_F(name, F)

#define ROW(name, Y, expression)                                                                                       \
    static void NAME(name)(int64_t n, const void *pa, bool va, const void *pb, bool vb, void *py)                      \
    {                                                                                                                  \
        const T *x1 = pa, *x2 = pb;                                                                                    \
        Y *y = py;                                                                                                     \
        if (va && vb) {                                                                                                \
            CNN_INDEPENDENT                                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T a = x1[i], b = x2[i];                                                                          \
                y[i] = (Y)(expression);                                                                                \
            }                                                                                                          \
        } else if (va) {                                                                                               \
            const T b = x2[0];                                                                                         \
            CNN_INDEPENDENT                                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T a = x1[i];                                                                                     \
                y[i] = (Y)(expression);                                                                                \
            }                                                                                                          \
        } else if (vb) {                                                                                               \
            const T a = x1[0];                                                                                         \
            CNN_INDEPENDENT                                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T b = x2[i];                                                                                     \
                y[i] = (Y)(expression);                                                                                \
            }                                                                                                          \
        } else {                                                                                                       \
            const T a = x1[0], b = x2[0];                                                                              \
            const Y value = (Y)(expression);                                                                           \
            for (int64_t i = 0; i < n; i++) y[i] = value;                                                              \
        }                                                                                                              \
    }

/* A gradient: like a row, with one more operand g that is always a vector. */
#define GRADIENT_LOOP(at_a, at_b, expression)                                                                          \
    CNN_INDEPENDENT                                                                                                    \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
        const T a = x1[at_a], b = x2[at_b], g = dy[i];                                                                 \
        (void)a, (void)b, (void)g;                                                                                     \
        out[i] = (expression);                                                                                         \
    }
#define GRADIENT(name, expression)                                                                                     \
    static void NAME(name)(int64_t n, const void *pa, bool va, const void *pb, bool vb, const void *pg, void *pout)    \
    {                                                                                                                  \
        const T *x1 = pa, *x2 = pb, *dy = pg;                                                                          \
        T *out = pout;                                                                                                 \
        if (va && vb) {                                                                                                \
            GRADIENT_LOOP(i, i, expression)                                                                            \
        } else if (va) {                                                                                               \
            GRADIENT_LOOP(i, 0, expression)                                                                            \
        } else if (vb) {                                                                                               \
            GRADIENT_LOOP(0, i, expression)                                                                            \
        } else {                                                                                                       \
            GRADIENT_LOOP(0, 0, expression)                                                                            \
        }                                                                                                              \
    }

#define CNN_ARITHMETIC(name, integer, real, da, db, keeps, doc)
#define CNN_REAL(name, real, da, db, keeps, doc)
#define CNN_COMPARISON(name, formula, doc)
#define CNN_LOGICAL(name, formula, doc)

#if KIND == BOOLEAN
#undef CNN_ARITHMETIC
#undef CNN_LOGICAL
#define CNN_ARITHMETIC(name, integer, real, da, db, keeps, doc) ROW(name, T, (integer) != 0)
#define CNN_LOGICAL(name, formula, doc) ROW(name, uint8_t, formula)
#elif KIND == INTEGER
#undef CNN_ARITHMETIC
#undef CNN_COMPARISON
#define CNN_ARITHMETIC(name, integer, real, da, db, keeps, doc) ROW(name, T, integer)
#define CNN_COMPARISON(name, formula, doc) ROW(name, uint8_t, formula)
#else
#undef CNN_ARITHMETIC
#undef CNN_REAL
#undef CNN_COMPARISON
#define CNN_ARITHMETIC(name, integer, real, da, db, keeps, doc)                                                        \
    ROW(name, T, real) GRADIENT(name##_da, da) GRADIENT(name##_db, db)
#define CNN_REAL(name, real, da, db, keeps, doc) ROW(name, T, real) GRADIENT(name##_da, da) GRADIENT(name##_db, db)
#define CNN_COMPARISON(name, formula, doc) ROW(name, uint8_t, formula)
#endif
#include "kernels/binary.def"
#undef CNN_ARITHMETIC
#undef CNN_REAL
#undef CNN_COMPARISON
#undef CNN_LOGICAL

#undef NAME
#undef R
#undef ROW
#undef GRADIENT
#undef GRADIENT_LOOP
#undef T
#undef U
#undef S
#undef F
#undef KIND
