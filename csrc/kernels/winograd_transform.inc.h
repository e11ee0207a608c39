/* The transforms of Winograd's convolutions F(4x4, 3x3); included once per type, after conv_tile.inc.h and
 * conv_rows.inc.h.
 *
 * With the points 0, 1, -1, 2, -2 and infinity, tiles of 4x4 results come from patches of 6x6 pixels by 36 products
 * instead of 144: y = A' [(G g G') . (B' d B)] A, and the gradient of the filter is G' [sum (A dy A') . (B' d B)] G
 * (Lavin and Gray 2016). All of them are written for one vector of channels, along one axis and then along the other.
 */

#define WINOGRAD_OUT 4 /* pixels of a tile along an axis */
#define WINOGRAD_IN 6  /* of the patch that it reads */
#define WINOGRAD_POINTS 36

/* B' d */
CNN_INLINE void R(winograd_in)(const R(vec) * d, int step, R(vec) * t, int t_step)
{
    R(vec) d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    R(vec) even = d4 - 4 * d2, odd = d3 - 4 * d1, even2 = d4 - d2, odd2 = d3 - d1;
    t[0] = 4 * d0 - 5 * d2 + d4;
    t[t_step] = even + odd;
    t[2 * t_step] = even - odd;
    t[3 * t_step] = even2 + 2 * odd2;
    t[4 * t_step] = even2 - 2 * odd2;
    t[5 * t_step] = 4 * d1 - 5 * d3 + d5;
}

/* A' m */
CNN_INLINE void R(winograd_out)(const R(vec) * m, int step, R(vec) * y, int y_step)
{
    R(vec) m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step];
    R(vec) sum = m1 + m2, difference = m1 - m2, sum2 = m3 + m4, difference2 = m3 - m4;
    y[0] = m[0] + sum + sum2;
    y[y_step] = difference + 2 * difference2;
    y[2 * y_step] = sum + 4 * sum2;
    y[3 * y_step] = difference + 8 * difference2 + m[5 * step];
}

/* A y */
CNN_INLINE void R(winograd_spread)(const R(vec) * y, int step, R(vec) * t, int t_step)
{
    R(vec) y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
    R(vec) even = y0 + y2, odd = y1 + y3, even2 = y0 + 4 * y2, odd2 = 2 * y1 + 8 * y3;
    t[0] = y0;
    t[t_step] = even + odd;
    t[2 * t_step] = even - odd;
    t[3 * t_step] = even2 + odd2;
    t[4 * t_step] = even2 - odd2;
    t[5 * t_step] = y3;
}

/* G g */
CNN_INLINE void R(winograd_filter)(const R(vec) * g, int step, R(vec) * t, int t_step)
{
    const REAL quarter = (REAL)0.25, sixth = (REAL)1 / 6, twelfth = (REAL)1 / 12, part = (REAL)1 / 24;
    R(vec) g0 = g[0], g1 = g[step], g2 = g[2 * step];
    R(vec) even = (g0 + g2) * -sixth, odd = g1 * sixth, even2 = g0 * part + g2 * sixth, odd2 = g1 * twelfth;
    t[0] = g0 * quarter;
    t[t_step] = even - odd;
    t[2 * t_step] = even + odd;
    t[3 * t_step] = even2 + odd2;
    t[4 * t_step] = even2 - odd2;
    t[5 * t_step] = g2;
}

/* G' t */
CNN_INLINE void R(winograd_gather)(const R(vec) * t, int step, R(vec) * g, int g_step)
{
    const REAL quarter = (REAL)0.25, sixth = (REAL)1 / 6, twelfth = (REAL)1 / 12, part = (REAL)1 / 24;
    R(vec) t1 = t[step], t2 = t[2 * step], t3 = t[3 * step], t4 = t[4 * step];
    R(vec) sum = (t1 + t2) * sixth, sum2 = t3 + t4;
    g[0] = t[0] * quarter - sum + sum2 * part;
    g[g_step] = (t2 - t1) * sixth + (t3 - t4) * twelfth;
    g[2 * g_step] = sum2 * sixth - sum + t[5 * step];
}

CNN_INLINE R(vec) R(load_part)(const REAL *p, int64_t count)
{
    R(vec) v = {0};
    for (int64_t i = 0; i < count; i++) v[i] = p[i];
    return v;
}

/* ---- where the pixels of a patch are ---- */

/* The pixels of a square of an image, SIDE x SIDE, row by row; those outside of it point at zeros. How the image is
 * read (see conv_image) is settled for all of them at once. */
typedef struct {
    const REAL *pixel[WINOGRAD_POINTS];
    const REAL *y[WINOGRAD_POINTS];        /* gate ReLU */
    const uint8_t *place[WINOGRAD_POINTS]; /* pooled */
    uint8_t here[WINOGRAD_POINTS];
} R(patch);

/* What a thread needs to read patches: zeros for the C channels of a pixel, dead places, and room for a whole patch. */
typedef struct {
    REAL *zeros, *room;
    uint8_t *dead;
} R(patch_memory);

CNN_INLINE winograd_patch_kind R(patch_kind_of)(const R(conv_image) * s)
{
    return s->pool > 1 ? PATCH_POOLED : s->gate == CNN_RELU ? PATCH_RELU : PATCH_PLAIN;
}

/* The square of SIDE pixels whose first is (row, column). */
static __attribute__((unused)) void R(find_patch)(const R(conv_image) * s, int64_t row, int64_t column, int side,
                                                  const R(patch_memory) * m, R(patch) * p)
{
    winograd_patch_kind kind = R(patch_kind_of)(s);
    int64_t h = s->h, w = s->w, pitch = w, n = s->channels;
    if (kind == PATCH_PLAIN && s->gate != CNN_LINEAR) { /* the rarer activations pass through a copy */
        R(conv_copy)(s, row, column, side, side, m->room);
        for (int i = 0; i < side * side; i++) p->pixel[i] = m->room + i * n;
        return;
    }
    if (kind == PATCH_POOLED) { /* what no window covers has no gradient */
        h -= h % s->pool;
        w -= w % s->pool;
        pitch = w / s->pool;
    }
    for (int i = 0, k = 0; i < side; i++)
        for (int j = 0; j < side; j++, k++) {
            int64_t r = row + i, c = column + j;
            bool inside = r >= 0 && r < h && c >= 0 && c < w;
            int64_t at = kind == PATCH_POOLED ? (r / s->pool * pitch + c / s->pool) * n : (r * pitch + c) * n;
            p->pixel[k] = inside ? s->pixels + at : m->zeros;
            if (kind == PATCH_RELU) p->y[k] = inside ? s->y + at : m->zeros;
            if (kind != PATCH_POOLED) continue;
            p->place[k] = inside ? s->place + at : m->dead;
            p->here[k] = inside ? (uint8_t)(r % s->pool * s->pool + c % s->pool) : 0;
        }
}

/* Pixel K of a patch, COUNT channels from C on. */
CNN_INLINE R(vec) R(patch_vector)(const winograd_patch_kind KIND, const bool WHOLE, const R(patch) * p, int k,
                                  int64_t c, int64_t count)
{
    R(vec) v = WHOLE ? R(load)(p->pixel[k] + c) : R(load_part)(p->pixel[k] + c, count);
    if (KIND == PATCH_RELU) {
        R(vec) y = WHOLE ? R(load)(p->y[k] + c) : R(load_part)(p->y[k] + c, count);
        return (R(vec))((R(mask))v & (y > 0));
    }
    if (KIND == PATCH_POOLED) {
        R(places) at = R(load_places)(p->place[k] + c, WHOLE ? REAL_LANES : count);
        return (R(vec))((R(mask))v & (at == ((R(places)){0} + p->here[k])));
    }
    return v;
}

/* planes[point][...] = B' d B for the vector of channels from C on of a 6x6 patch; PLANE items from point to point. */
CNN_INLINE void R(transform_vector)(const winograd_patch_kind KIND, const bool WHOLE, const R(patch) * p, int64_t c,
                                    int64_t count, REAL *planes, int64_t plane)
{
    R(vec) half[WINOGRAD_POINTS], column[WINOGRAD_IN], row[WINOGRAD_IN];
    CNN_UNROLL
    for (int j = 0; j < WINOGRAD_IN; j++) {
        CNN_UNROLL
        for (int i = 0; i < WINOGRAD_IN; i++)
            column[i] = R(patch_vector)(KIND, WHOLE, p, i * WINOGRAD_IN + j, c, count);
        R(winograd_in)(column, 1, half + j, WINOGRAD_IN);
    }
    CNN_UNROLL
    for (int i = 0; i < WINOGRAD_IN; i++) {
        R(winograd_in)(half + i * WINOGRAD_IN, 1, row, 1);
        CNN_UNROLL
        for (int j = 0; j < WINOGRAD_IN; j++) R(store)(planes + (i * WINOGRAD_IN + j) * plane, row[j]);
    }
}

/* The same with A dy A' for a 4x4 patch; adds its pixels to SUM. */
CNN_INLINE void R(spread_vector)(const winograd_patch_kind KIND, const bool WHOLE, const R(patch) * p, int64_t c,
                                 int64_t count, REAL *planes, int64_t plane, R(vec) * sum)
{
    R(vec) half[WINOGRAD_IN * WINOGRAD_OUT], column[WINOGRAD_OUT], row[WINOGRAD_IN], total = *sum;
    CNN_UNROLL
    for (int j = 0; j < WINOGRAD_OUT; j++) {
        CNN_UNROLL
        for (int i = 0; i < WINOGRAD_OUT; i++)
            column[i] = R(patch_vector)(KIND, WHOLE, p, i * WINOGRAD_OUT + j, c, count);
        total += (column[0] + column[1]) + (column[2] + column[3]);
        R(winograd_spread)(column, 1, half + j, WINOGRAD_OUT);
    }
    *sum = total;
    CNN_UNROLL
    for (int i = 0; i < WINOGRAD_IN; i++) {
        R(winograd_spread)(half + i * WINOGRAD_OUT, 1, row, 1);
        CNN_UNROLL
        for (int j = 0; j < WINOGRAD_IN; j++) R(store)(planes + (i * WINOGRAD_IN + j) * plane, row[j]);
    }
}

CNN_INLINE void R(transform_channels)(const winograd_patch_kind KIND, const R(patch) * p, int64_t channels,
                                      REAL *planes, int64_t plane)
{
    int64_t c = 0;
    for (; c + REAL_LANES <= channels; c += REAL_LANES)
        R(transform_vector)(KIND, true, p, c, REAL_LANES, planes + c, plane);
    if (c < channels) R(transform_vector)(KIND, false, p, c, channels - c, planes + c, plane);
}

/* All channels of a 6x6 patch. PLANES has room for whole vectors. */
static __attribute__((unused)) void R(transform_patch)(winograd_patch_kind kind, const R(patch) * p, int64_t channels,
                                                       REAL *planes, int64_t plane)
{
    switch (kind) {
    case PATCH_PLAIN: R(transform_channels)(PATCH_PLAIN, p, channels, planes, plane); break;
    case PATCH_RELU: R(transform_channels)(PATCH_RELU, p, channels, planes, plane); break;
    case PATCH_POOLED: R(transform_channels)(PATCH_POOLED, p, channels, planes, plane); break;
    }
}

CNN_INLINE void R(spread_channels)(const winograd_patch_kind KIND, const R(patch) * p, int64_t first, int64_t channels,
                                   REAL *planes, int64_t plane, REAL *sums)
{
    for (int64_t c = 0; c < channels; c += REAL_LANES) {
        R(vec) sum = R(load)(sums + c);
        if (channels - c >= REAL_LANES) R(spread_vector)(KIND, true, p, first + c, REAL_LANES, planes + c, plane, &sum);
        else R(spread_vector)(KIND, false, p, first + c, channels - c, planes + c, plane, &sum);
        R(store)(sums + c, sum);
    }
}

/* CHANNELS from FIRST on of a 4x4 patch, whose pixels are added to SUMS. */
static __attribute__((unused)) void R(spread_patch)(winograd_patch_kind kind, const R(patch) * p, int64_t first,
                                                    int64_t channels, REAL *planes, int64_t plane, REAL *sums)
{
    switch (kind) {
    case PATCH_PLAIN: R(spread_channels)(PATCH_PLAIN, p, first, channels, planes, plane, sums); break;
    case PATCH_RELU: R(spread_channels)(PATCH_RELU, p, first, channels, planes, plane, sums); break;
    case PATCH_POOLED: R(spread_channels)(PATCH_POOLED, p, first, channels, planes, plane, sums); break;
    }
}
