/* The microkernels of depthwise convolutions; included once per type, with TILE_SUMS as in conv_tile.inc.h, which comes
 * first. Each channel meets only its own weight, so vectors run over channels and nothing is broadcast.
 *
 * TILE_SUMS 0: CNN_DEPTHWISE_ROWS pixels of one vector of channels; runs of `runs_h` x `runs_w` taps, b[tap, :].
 * TILE_SUMS 1: the sums of up to that many taps, `row` and `group` apart in a, of one vector of channels; b is dz.
 *
 * a is read up to `columns` channels, since it may end there. */

#if TILE_SUMS

CNN_INLINE void R(depthwise_body)(const int ROWS, const bool WHOLE, const R(tile) * t, const REAL *a, const REAL *b,
                                  REAL *c)
{
    R(vec) sum[CNN_DEPTHWISE_ROWS];
    const int64_t row = t->row, group = t->group;
    CNN_UNROLL
    for (int i = 0; i < ROWS; i++) sum[i] = (R(vec)){0};
    for (int64_t h = 0; h < t->runs_h; h++)
        for (int64_t w = 0; w < t->runs_w; w++) {
            const REAL *p = a + h * t->step_h + w * t->step_w;
            for (int64_t k = 0; k < t->length; k++, p += t->step, b += t->b_step) {
                R(vec) dz = R(load)(b);
                CNN_UNROLL
                for (int i = 0; i < ROWS; i++)
                    sum[i] += (WHOLE ? R(load)(p + i / 3 * group + i % 3 * row)
                                     : R(load_part)(p + i / 3 * group + i % 3 * row, t->columns)) *
                              dz;
            }
        }
    CNN_UNROLL
    for (int i = 0; i < ROWS; i++) R(store)(c + i * t->c_row, R(load)(c + i * t->c_row) + sum[i]);
}

#else

CNN_INLINE void R(depthwise_body)(const int ROWS, const bool WHOLE, const R(tile) * t, const REAL *a, const REAL *b,
                                  REAL *c)
{
    R(vec) sum[CNN_DEPTHWISE_ROWS];
    const int64_t row = t->row, group = t->group;
    CNN_UNROLL
    for (int i = 0; i < ROWS; i++) sum[i] = t->bias ? R(load)(t->bias) : (R(vec)){0};
    for (int64_t h = 0; h < t->runs_h; h++)
        for (int64_t w = 0; w < t->runs_w; w++, b += REAL_LANES) {
            const REAL *p = a + h * t->step_h + w * t->step_w;
            R(vec) tap = R(load)(b);
            CNN_UNROLL
            for (int i = 0; i < ROWS; i++)
                sum[i] += (WHOLE ? R(load)(p + i / 3 * group + i % 3 * row)
                                 : R(load_part)(p + i / 3 * group + i % 3 * row, t->columns)) *
                          tap;
        }
    if (t->activation == CNN_RELU) {
        CNN_UNROLL
        for (int i = 0; i < ROWS; i++) sum[i] = (R(vec))((R(mask))sum[i] & ~(sum[i] < 0));
    }
    CNN_UNROLL
    for (int i = 0; i < ROWS; i++) {
        if (WHOLE) R(store)(c + i * t->c_row, sum[i]);
        else R(store_part)(c + i * t->c_row, sum[i], t->columns);
    }
    if (t->activation == CNN_SIGMOID || t->activation == CNN_TANH)
        for (int i = 0; i < ROWS; i++) R(tile_activate)(t->activation, t->columns, c + i * t->c_row);
}

#endif

#define TILE_DEFINE(rows)                                                                                              \
    static void R(depthwise_whole_##rows)(const R(tile) * t, const REAL *a, const REAL *b, REAL *c)                    \
    {                                                                                                                  \
        R(depthwise_body)(rows, true, t, a, b, c);                                                                     \
    }                                                                                                                  \
    static void R(depthwise_part_##rows)(const R(tile) * t, const REAL *a, const REAL *b, REAL *c)                     \
    {                                                                                                                  \
        R(depthwise_body)(rows, false, t, a, b, c);                                                                    \
    }
CNN_DEPTHWISE_EACH(TILE_DEFINE)
#undef TILE_DEFINE

#define TILE_NAME_PART(rows) R(depthwise_part_##rows),
#define TILE_NAME_WHOLE(rows) R(depthwise_whole_##rows),
/* [all lanes exist][ROWS - 1] */
static const R(tile_fn) R(depthwise_tiles)[2][CNN_DEPTHWISE_ROWS] = {{CNN_DEPTHWISE_EACH(TILE_NAME_PART)},
                                                                     {CNN_DEPTHWISE_EACH(TILE_NAME_WHOLE)}};
#undef TILE_NAME_PART
#undef TILE_NAME_WHOLE
