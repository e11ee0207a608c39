/* The transforms of Winograd's convolutions; included once per type, after conv_tile.inc.h and conv_rows.inc.h.
 *
 * With the points 0, 1, -1, 2, -2 and infinity, OUT x OUT results of a K x K kernel, OUT + K = 7, come from a patch of
 * 6x6 pixels by 36 products: instead of 144 for K = 3 and 4, of 100 for K = 5. y = A' [(G g G') . (B' d B)] A, and the
 * gradient of the kernel is G' [sum (A dy A') . (B' d B)] G (Lavin and Gray 2016). B is the same for all K. The other
 * matrices have the powers of the points as rows or columns, so what is even and what is odd is summed once for a point
 * and its negative. All is written for one vector of channels, along one axis and then along the other. */

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

/* A' m: OUT results. */
CNN_INLINE void R(winograd_out)(const int OUT, const R(vec) * m, int step, R(vec) * y, int y_step)
{
    R(vec) sum[2] = {m[step] + m[2 * step], m[step] - m[2 * step]};
    R(vec) sum2[2] = {m[3 * step] + m[4 * step], m[3 * step] - m[4 * step]};
    CNN_UNROLL
    for (int i = 0; i < OUT; i++) {
        R(vec) v = sum[i % 2] + (REAL)(1 << i) * sum2[i % 2];
        if (i == 0) v += m[0];
        if (i == OUT - 1) v += m[5 * step];
        y[i * y_step] = v;
    }
}

/* The sums of the even and of the odd terms of COUNT numbers, and of these times the powers of 2. */
CNN_INLINE void R(winograd_terms)(const int COUNT, const R(vec) * x, int step, R(vec) sum[2], R(vec) sum2[2])
{
    sum[0] = sum2[0] = x[0];
    sum[1] = x[step];
    sum2[1] = 2 * x[step];
    CNN_UNROLL
    for (int i = 2; i < COUNT; i++) {
        sum[i % 2] += x[i * step];
        sum2[i % 2] += (REAL)(1 << i) * x[i * step];
    }
}

/* A y, of OUT numbers */
CNN_INLINE void R(winograd_spread)(const int OUT, const R(vec) * y, int step, R(vec) * t, int t_step)
{
    R(vec) sum[2], sum2[2];
    R(winograd_terms)(OUT, y, step, sum, sum2);
    t[0] = y[0];
    t[t_step] = sum[0] + sum[1];
    t[2 * t_step] = sum[0] - sum[1];
    t[3 * t_step] = sum2[0] + sum2[1];
    t[4 * t_step] = sum2[0] - sum2[1];
    t[5 * t_step] = y[(OUT - 1) * step];
}

/* G g, of K numbers */
CNN_INLINE void R(winograd_filter)(const int K, const R(vec) * g, int step, R(vec) * t, int t_step)
{
    const REAL quarter = (REAL)1 / 4, sixth = (REAL)1 / 6, part = (REAL)1 / 24;
    R(vec) sum[2], sum2[2];
    R(winograd_terms)(K, g, step, sum, sum2);
    t[0] = g[0] * quarter;
    t[t_step] = (sum[0] + sum[1]) * -sixth;
    t[2 * t_step] = (sum[0] - sum[1]) * -sixth;
    t[3 * t_step] = (sum2[0] + sum2[1]) * part;
    t[4 * t_step] = (sum2[0] - sum2[1]) * part;
    t[5 * t_step] = g[(K - 1) * step];
}

/* G' t: K numbers */
CNN_INLINE void R(winograd_gather)(const int K, const R(vec) * t, int step, R(vec) * g, int g_step)
{
    const REAL quarter = (REAL)1 / 4, sixth = (REAL)1 / 6, part = (REAL)1 / 24;
    R(vec) sum[2] = {(t[step] + t[2 * step]) * -sixth, (t[step] - t[2 * step]) * -sixth};
    R(vec) sum2[2] = {(t[3 * step] + t[4 * step]) * part, (t[3 * step] - t[4 * step]) * part};
    CNN_UNROLL
    for (int i = 0; i < K; i++) {
        R(vec) v = sum[i % 2] + (REAL)(1 << i) * sum2[i % 2];
        if (i == 0) v += t[0] * quarter;
        if (i == K - 1) v += t[5 * step];
        g[i * g_step] = v;
    }
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

/* It at AT, of 2 * ZERO_ITEMS and the items of a patch. */
CNN_INLINE R(patch_memory) R(patch_memory_at)(REAL *at, size_t zero_items)
{
    R(patch_memory) m = {at, at + 2 * zero_items, (uint8_t *)(at + zero_items)};
    memset(m.zeros, 0, zero_items * sizeof *at);
    memset(m.dead, CNN_POOL_DEAD, zero_items);
    return m;
}

CNN_INLINE winograd_patch_kind R(patch_kind_of)(const R(conv_image) * s)
{
    return s->pool > 1 ? PATCH_POOLED : s->gate == CNN_RELU ? PATCH_RELU : PATCH_PLAIN;
}

/* The square of SIDE pixels whose first is (row, column). */
static __attribute__((unused)) void R(find_patch)(const R(conv_image) * s, int64_t row, int64_t column, int side,
                                                  const R(patch_memory) * m, R(patch) * p)
{
    winograd_patch_kind kind = R(patch_kind_of)(s);
    int64_t h = s->h, w = s->w, n = s->channels, step = s->pool * s->up, pitch = w / step;
    if (kind == PATCH_PLAIN && s->gate != CNN_LINEAR) { /* the rarer activations pass through a copy */
        R(conv_copy)(s, row, column, side, side, m->room);
        for (int i = 0; i < side * side; i++) p->pixel[i] = m->room + i * n;
        return;
    }
    if (kind == PATCH_POOLED) { /* what no window covers has no gradient */
        h -= h % s->pool;
        w -= w % s->pool;
    }
    for (int i = 0, k = 0; i < side; i++)
        for (int j = 0; j < side; j++, k++) {
            int64_t r = row + i, c = column + j;
            bool inside = r >= 0 && r < h && c >= 0 && c < w;
            int64_t at = step == 1 ? (r * pitch + c) * n : (r / step * pitch + c / step) * n;
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

/* The same with A dy A' for a patch of OUT x OUT; adds its pixels to SUM. */
CNN_INLINE void R(spread_vector)(const int OUT, const winograd_patch_kind KIND, const bool WHOLE, const R(patch) * p,
                                 int64_t c, int64_t count, REAL *planes, int64_t plane, R(vec) * sum)
{
    R(vec) half[WINOGRAD_IN * WINOGRAD_MOST_OUT], column[WINOGRAD_MOST_OUT], row[WINOGRAD_IN], total = *sum;
    CNN_UNROLL
    for (int j = 0; j < OUT; j++) {
        CNN_UNROLL
        for (int i = 0; i < OUT; i++) {
            column[i] = R(patch_vector)(KIND, WHOLE, p, i * OUT + j, c, count);
            total += column[i];
        }
        R(winograd_spread)(OUT, column, 1, half + j, OUT);
    }
    *sum = total;
    CNN_UNROLL
    for (int i = 0; i < WINOGRAD_IN; i++) {
        R(winograd_spread)(OUT, half + i * OUT, 1, row, 1);
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

CNN_INLINE void R(spread_channels)(const int OUT, const winograd_patch_kind KIND, const R(patch) * p, int64_t first,
                                   int64_t channels, REAL *planes, int64_t plane, REAL *sums)
{
    for (int64_t c = 0; c < channels; c += REAL_LANES) {
        R(vec) sum = R(load)(sums + c);
        if (channels - c >= REAL_LANES)
            R(spread_vector)(OUT, KIND, true, p, first + c, REAL_LANES, planes + c, plane, &sum);
        else R(spread_vector)(OUT, KIND, false, p, first + c, channels - c, planes + c, plane, &sum);
        R(store)(sums + c, sum);
    }
}

CNN_INLINE void R(spread_kind)(const int OUT, winograd_patch_kind kind, const R(patch) * p, int64_t first,
                               int64_t channels, REAL *planes, int64_t plane, REAL *sums)
{
    switch (kind) {
    case PATCH_PLAIN: R(spread_channels)(OUT, PATCH_PLAIN, p, first, channels, planes, plane, sums); break;
    case PATCH_RELU: R(spread_channels)(OUT, PATCH_RELU, p, first, channels, planes, plane, sums); break;
    case PATCH_POOLED: R(spread_channels)(OUT, PATCH_POOLED, p, first, channels, planes, plane, sums); break;
    }
}

/* CHANNELS from FIRST on of a patch of OUT x OUT, whose pixels are added to SUMS. */
static __attribute__((unused)) void R(spread_patch)(int64_t out, winograd_patch_kind kind, const R(patch) * p,
                                                    int64_t first, int64_t channels, REAL *planes, int64_t plane,
                                                    REAL *sums)
{
    switch (out) {
    case 4: R(spread_kind)(4, kind, p, first, channels, planes, plane, sums); break;
    case 3: R(spread_kind)(3, kind, p, first, channels, planes, plane, sums); break;
    case 2: R(spread_kind)(2, kind, p, first, channels, planes, plane, sums); break;
    }
}
