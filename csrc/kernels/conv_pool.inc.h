/* The largest values of windows, for convolutions that pool in the same pass; included once per type. */

#define CNN_POOL_LARGEST 3

typedef REAL_INT R(places) __attribute__((vector_size(CNN_VECTOR_BYTES)));

/* Narrows a vector of numbers below 256 to bytes. */
CNN_INLINE void R(store_places)(uint8_t *to, R(places) v, int64_t count)
{
    typedef uint8_t bytes __attribute__((vector_size(REAL_LANES), aligned(1), may_alias));
    if (count == REAL_LANES) *(bytes *)to = __builtin_convertvector(v, bytes);
    else
        for (int64_t i = 0; i < count; i++) to[i] = (uint8_t)v[i];
}

static inline __attribute__((always_inline, unused)) R(places) R(load_places)(const uint8_t *p, int64_t count)
{
    typedef uint8_t bytes __attribute__((vector_size(REAL_LANES), aligned(1), may_alias));
    if (count == REAL_LANES) return __builtin_convertvector(*(const bytes *)p, R(places));
    R(places) v = {0};
    for (int64_t i = 0; i < count; i++) v[i] = p[i];
    return v;
}

/* What a window's pixels V, of which there are COUNT, come to: the first of the largest, and which it was. A NaN is
 * larger than all. */
CNN_INLINE R(vec) R(largest)(const int COUNT, const R(vec) * v, R(places) * place)
{
    R(vec) best = v[0];
    R(places) at = {0};
    CNN_UNROLL
    for (int k = 1; k < COUNT; k++) {
        R(places) more = (R(places))(~(v[k] <= best) & (best == best));
        best = (R(vec))(((R(places))v[k] & more) | ((R(places))best & ~more));
        at = (((R(places)){0} + k) & more) | (at & ~more);
    }
    *place = at;
    return best;
}

/* ReLU, so written that NaN stays NaN; and the place is dead where it lets nothing through. */
CNN_INLINE R(vec) R(relu_largest)(R(vec) v, R(places) * place)
{
    R(places) alive = (R(places))(v > 0);
    *place = (*place & alive) | (((R(places)){0} + CNN_POOL_DEAD) & ~alive);
    return (R(vec))((R(mask))v & ~(v < 0));
}

CNN_INLINE void R(pool_rows)(const int POOL, int64_t windows, int64_t wide, int64_t columns, bool relu,
                             const REAL *block, int64_t step, REAL *y, uint8_t *place)
{
    for (int64_t window = 0; window < windows; window++, y += step, place += place ? step : 0)
        for (int64_t f = 0; f < columns; f += REAL_LANES) {
            R(vec) v[CNN_POOL_LARGEST * CNN_POOL_LARGEST];
            R(places) at;
            CNN_UNROLL
            for (int r = 0; r < POOL; r++) CNN_UNROLL
            for (int c = 0; c < POOL; c++)
                v[r * POOL + c] = R(load)(block + (r * CNN_TILE_ROWS + window * POOL + c) * wide + f);
            R(vec) best = R(largest)(POOL * POOL, v, &at);
            if (relu) best = R(relu_largest)(best, &at);
            int64_t count = columns - f < REAL_LANES ? columns - f : REAL_LANES;
            if (count == REAL_LANES) R(store)(y + f, best);
            else R(store_part)(y + f, best, count);
            if (place) R(store_places)(place + f, at, count);
        }
}

/* block[POOL][CNN_TILE_ROWS][WIDE] -> y[WINDOWS][COLUMNS] and place, STEP elements from window to window. */
static __attribute__((unused)) void R(pool_block)(int64_t pool, int64_t windows, int64_t wide, int64_t columns,
                                                  bool relu, const REAL *block, int64_t step, REAL *y, uint8_t *place)
{
    if (pool == 2) R(pool_rows)(2, windows, wide, columns, relu, block, step, y, place);
    else R(pool_rows)(3, windows, wide, columns, relu, block, step, y, place);
}
