/* The microkernel of the direct convolutions; included once per type, with TILE_SUMS 0 or 1.
 *
 * A tile is ROWS x (VECTORS * lanes) sums held in registers: c[i][:] = sum over k of a[i, k] * b[k, :]. Nothing is
 * gathered into a matrix: k runs over the image in place, as `runs_h` x `runs_w` runs of `length` items, and rows lie
 * `row` apart. b is packed, so that it is read from start to end.
 *
 * TILE_SUMS 0: the items of a run are neighbours, rows have any distance; ends with bias, activation and store
 *              (forward, backward-data).
 * TILE_SUMS 1: rows are neighbours (in threes, `group` apart), items have any distance; adds to packed sums
 *              (backward-weights).
 *
 * Five pointers of three rows each, rather than one per row, keep the addresses in registers. */

typedef R(cnn_vec) R(vec);
typedef __typeof__((R(vec)){0} < (R(vec)){0}) R(mask);

typedef struct {
    int64_t runs_h, runs_w, length;
    int64_t step_h, step_w, step; /* of a, between rows of runs, runs, items */
    int64_t row, group;           /* of a, between rows, and between threes of rows */
    int64_t b_step;               /* of b, between items, with TILE_SUMS */
    int64_t c_row;                /* of c, between rows */
    int64_t columns;              /* of c that exist */
    const REAL *bias;             /* NULL or as many as the vectors hold */
    cnn_activation activation;
    bool stream; /* c is aligned, whole, and too large to be found in a cache later */
} R(tile);

typedef void (*R(tile_fn))(const R(tile) * t, const REAL *a, const REAL *b, REAL *c);

CNN_INLINE R(vec) R(load)(const REAL *p)
{
    return *(const R(vec) *)p;
}

CNN_INLINE void R(store)(REAL *p, R(vec) v)
{
    *(R(vec) *)p = v;
}

/* Past the caches; P is aligned to the vector. */
CNN_INLINE void R(stream)(REAL *p, R(vec) v)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((void *)p, (__m512i)v);
#elif defined(__AVX2__)
    _mm256_stream_si256((void *)p, (__m256i)v);
#elif defined(__SSE2__)
    _mm_stream_si128((void *)p, (__m128i)v);
#else
    R(store)(p, v);
#endif
}

/* The first COUNT lanes. */
CNN_INLINE void R(store_part)(REAL *p, R(vec) v, int64_t count)
{
#if defined(__AVX512F__)
    if (sizeof(REAL) == 4) _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
    else _mm512_mask_storeu_pd(p, (__mmask8)((1u << count) - 1), (__m512d)v);
#else
    for (int64_t i = 0; i < count; i++) p[i] = v[i];
#endif
}

/* The first COUNT lanes, and zeros. */
static inline __attribute__((always_inline, unused)) R(vec) R(load_part)(const REAL *p, int64_t count)
{
#if defined(__AVX512F__)
    if (sizeof(REAL) == 4) return (R(vec))_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
    return (R(vec))_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
#else
    R(vec) v = {0};
    for (int64_t i = 0; i < count; i++) v[i] = p[i];
    return v;
#endif
}

static __attribute__((noinline, unused)) void R(tile_activate)(cnn_activation act, int64_t n, REAL *p)
{
    if (act == CNN_SIGMOID)
        for (int64_t i = 0; i < n; i++) p[i] = R(cnn_sigmoid)(p[i]);
    else
        for (int64_t i = 0; i < n; i++) p[i] = R(cnn_tanh)(p[i]);
}

CNN_INLINE void R(tile_body)(const int ROWS, const int VECTORS, const R(tile) * t, const REAL *a, const REAL *b,
                             REAL *c)
{
    R(vec) sum[CNN_TILE_ROWS][2];
    CNN_UNROLL
    for (int i = 0; i < ROWS; i++) sum[i][0] = sum[i][1] = (R(vec)){0};

    const int64_t row = TILE_SUMS ? 1 : t->row, group = t->group, step = TILE_SUMS ? t->step : 1;
    const int64_t length = t->length, b_step = TILE_SUMS ? t->b_step : VECTORS * REAL_LANES;
    for (int64_t h = 0; h < t->runs_h; h++) {
        for (int64_t w = 0; w < t->runs_w; w++) {
            const REAL *a0 = a + h * t->step_h + w * t->step_w;
            const REAL *a1 = a0 + group, *a2 = a1 + group, *a3 = a2 + group, *a4 = a3 + group;
            for (int64_t k = 0; k < length; k++) {
                R(vec) b0 = R(load)(b), b1;
                if (VECTORS == 2) b1 = R(load)(b + REAL_LANES);
                CNN_UNROLL
                for (int i = 0; i < ROWS; i++) {
                    const REAL *p = i < 3 ? a0 : i < 6 ? a1 : i < 9 ? a2 : i < 12 ? a3 : a4;
                    REAL x = p[i % 3 * row];
                    sum[i][0] += x * b0;
                    if (VECTORS == 2) sum[i][1] += x * b1;
                }
                b += b_step;
                a0 += step;
                a1 += step;
                a2 += step;
                a3 += step;
                a4 += step;
            }
        }
    }

#if TILE_SUMS
    CNN_UNROLL
    for (int i = 0; i < ROWS; i++) {
        R(store)(c, R(load)(c) + sum[i][0]);
        if (VECTORS == 2) R(store)(c + REAL_LANES, R(load)(c + REAL_LANES) + sum[i][1]);
        c += VECTORS * REAL_LANES;
    }
#else
    if (t->bias) {
        R(vec) b0 = R(load)(t->bias), b1 = b0;
        if (VECTORS == 2) b1 = R(load)(t->bias + REAL_LANES);
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++) {
            sum[i][0] += b0;
            sum[i][1] += b1;
        }
    }
    if (t->activation == CNN_RELU) {
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++) { /* so written, NaN stays NaN */
            sum[i][0] = (R(vec))((R(mask))sum[i][0] & ~(sum[i][0] < 0));
            sum[i][1] = (R(vec))((R(mask))sum[i][1] & ~(sum[i][1] < 0));
        }
    }
    int64_t columns = t->columns, c_row = t->c_row;
    REAL *to = c;
    if (t->stream) {
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++, to += c_row) {
            R(stream)(to, sum[i][0]);
            if (VECTORS == 2) R(stream)(to + REAL_LANES, sum[i][1]);
        }
    } else if (columns == VECTORS * REAL_LANES) {
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++, to += c_row) {
            R(store)(to, sum[i][0]);
            if (VECTORS == 2) R(store)(to + REAL_LANES, sum[i][1]);
        }
    } else if (VECTORS == 2) {
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++, to += c_row) {
            R(store)(to, sum[i][0]);
            R(store_part)(to + REAL_LANES, sum[i][1], columns - REAL_LANES);
        }
    } else {
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++, to += c_row) R(store_part)(to, sum[i][0], columns);
    }
    if (t->activation == CNN_SIGMOID || t->activation == CNN_TANH)
        for (int i = 0; i < ROWS; i++, c += c_row) R(tile_activate)(t->activation, columns, c);
#endif
}

#define TILE_DEFINE(rows)                                                                                              \
    static void R(tile1_##rows)(const R(tile) * t, const REAL *a, const REAL *b, REAL *c)                              \
    {                                                                                                                  \
        R(tile_body)(rows, 1, t, a, b, c);                                                                             \
    }                                                                                                                  \
    static void R(tile2_##rows)(const R(tile) * t, const REAL *a, const REAL *b, REAL *c)                              \
    {                                                                                                                  \
        R(tile_body)(rows, 2, t, a, b, c);                                                                             \
    }
CNN_TILE_EACH(TILE_DEFINE)
#undef TILE_DEFINE

#define TILE_NAME1(rows) R(tile1_##rows),
#define TILE_NAME2(rows) R(tile2_##rows),
/* tiles[VECTORS - 1][ROWS - 1] */
static const R(tile_fn) R(tiles)[2][CNN_TILE_ROWS] = {{CNN_TILE_EACH(TILE_NAME1)}, {CNN_TILE_EACH(TILE_NAME2)}};
#undef TILE_NAME1
#undef TILE_NAME2
