/* See image_affine.c; included once per type of images. */

/* What a run of places reads: pixel AT and those beside and below it, with their shares. */
typedef struct {
    double row[RUN], column[RUN];
    int32_t at[RUN];
    TO share[4][RUN];
    bool outside[RUN];
} A(run);

static void A(split)(const cnn_affine_image *m, int64_t n, A(run) * s)
{
    const int32_t w = (int32_t)m->w, top_most = m->h > 1 ? (int32_t)m->h - 2 : 0, left_most = w > 1 ? w - 2 : 0;
    if (m->order == 0) {
        for (int64_t k = 0; k < n; k++) s->at[k] = (int32_t)(s->row[k] + 0.5) * w + (int32_t)(s->column[k] + 0.5);
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        int32_t top = (int32_t)s->row[k], left = (int32_t)s->column[k];
        top = top < top_most ? top : top_most; /* on the last row all is the share of the lower one */
        left = left < left_most ? left : left_most;
        double low = s->row[k] - (double)top, right = s->column[k] - (double)left;
        s->at[k] = top * w + left;
        s->share[0][k] = (TO)((1 - low) * (1 - right));
        s->share[1][k] = (TO)((1 - low) * right);
        s->share[2][k] = (TO)(low * (1 - right));
        s->share[3][k] = (TO)(low * right);
    }
}

/* Pixel K of the run, C channels. */
CNN_INLINE void A(one)(int order, int64_t c, const A(run) * s, int64_t k, const FROM *restrict x, int64_t beside,
                       int64_t below, TO scale, TO *restrict y)
{
    const FROM *from = x + s->at[k] * c;
    if (order == 0) {
        for (int64_t i = 0; i < c; i++) y[i] = (TO)from[i] * scale;
        return;
    }
    const TO a = s->share[0][k], b = s->share[1][k], d = s->share[2][k], e = s->share[3][k];
    for (int64_t i = 0; i < c; i++)
        y[i] =
            ((TO)from[i] * a + (TO)from[i + beside] * b + (TO)from[i + below] * d + (TO)from[i + below + beside] * e) *
            scale;
}

CNN_INLINE void A(pixels)(int order, int64_t c, const A(run) * s, int64_t n, const FROM *x, int64_t beside,
                          int64_t below, TO scale, TO *y)
{
    for (int64_t k = 0; k < n; k++) A(one)(order, c, s, k, x, beside, below, scale, y + k * c);
}

#if HAS_FOUR
/* The same for three channels, four at a time. LAST: the last pixel of the image that may be read so; the last of the
 * run is written one by one if it is the image's last. */
CNN_INLINE void A(pixels_of_three)(int order, const A(run) * s, int64_t n, const FROM *x, int64_t beside, int64_t below,
                                   TO scale, bool ends, int32_t last, TO *y)
{
    for (int64_t k = 0; k < n; k++) {
        if (s->at[k] > last || (ends && k == n - 1)) {
            A(one)(order, 3, s, k, x, beside, below, scale, y + k * 3);
            continue;
        }
        const FROM *from = x + (int64_t)s->at[k] * 3;
        four value = A(four_of)(from);
        if (order == 1)
            value = value * s->share[0][k] + A(four_of)(from + beside) * s->share[1][k] +
                    A(four_of)(from + below) * s->share[2][k] + A(four_of)(from + below + beside) * s->share[3][k];
        *(four *)(y + k * 3) = value * scale;
    }
}
#endif

static void A(run_of_pixels)(const cnn_affine_image *m, const A(run) * s, int64_t n, const FROM *x, bool ends, TO *y)
{
    const int64_t c = m->c, beside = m->w > 1 ? c : 0, below = m->h > 1 ? m->w * c : 0;
    const TO scale = (TO)m->scale;
    const int order = m->order;
    if (c == 1) {
        if (order) A(pixels)(1, 1, s, n, x, beside, below, scale, y);
        else A(pixels)(0, 1, s, n, x, beside, below, scale, y);
        return;
    }
#if HAS_FOUR
    if (c == 3) {
        int32_t last = (int32_t)(m->h * m->w - 2 - (order ? (beside + below) / 3 : 0));
        if (order) A(pixels_of_three)(1, s, n, x, beside, below, scale, ends, last, y);
        else A(pixels_of_three)(0, s, n, x, beside, below, scale, ends, last, y);
        return;
    }
#endif
    (void)ends;
    if (c == 4) A(pixels)(order, 4, s, n, x, beside, below, scale, y);
    else A(pixels)(order, c, s, n, x, beside, below, scale, y);
}

/* Y plus BY within the range of Y, times SCALE. */
static void A(shift)(int64_t size, double by, double scale, TO *y)
{
    TO least = y[0], most = y[0], add = (TO)by;
    for (int64_t i = 1; i < size; i++) {
        least = y[i] < least ? y[i] : least;
        most = y[i] > most ? y[i] : most;
    }
    for (int64_t i = 0; i < size; i++) {
        TO value = y[i] + add;
        y[i] = (value < least ? least : value > most ? most : value) * (TO)scale;
    }
}

/* The image as it is, or mirrored. */
static void A(mirrored)(const cnn_affine_image *m, bool left_right, bool upside_down, const FROM *x, TO *y)
{
    const int64_t line = m->w * m->c;
    const TO scale = (TO)m->scale;
    for (int64_t r = 0; r < m->h; r++, y += line) {
        const FROM *from = x + (upside_down ? m->h - 1 - r : r) * line;
        if (left_right)
            for (int64_t q = 0; q < m->w; q++)
                for (int64_t i = 0; i < m->c; i++) y[q * m->c + i] = (TO)from[(m->w - 1 - q) * m->c + i] * scale;
        else
            for (int64_t i = 0; i < line; i++) y[i] = (TO)from[i] * scale;
    }
}

static void A(transformed)(const cnn_affine_image *m, const double *t, const FROM *x, TO *y)
{
    const double last_row = (double)(m->h - 1), last_column = (double)(m->w - 1);
    const double first = t[7] != 0 ? last_column : 0, step = t[7] != 0 ? -1 : 1;
    A(run) s;
    for (int64_t r = 0; r < m->h; r++) {
        double row = (double)(t[8] != 0 ? m->h - 1 - r : r), row_at = t[2] + row * t[0], column_at = t[5] + row * t[3];
        for (int64_t q = 0; q < m->w; q += RUN) {
            int64_t n = m->w - q < RUN ? m->w - q : RUN;
            for (int32_t k = 0; k < (int32_t)n; k++) {
                double column = first + step * ((double)q + (double)k);
                s.row[k] = row_at + column * t[1];
                s.column[k] = column_at + column * t[4];
            }
            bool some = bring_in(m->edge, n, s.row, last_row, s.column, last_column, s.outside);
            A(split)(m, n, &s);
            TO *to = y + (r * m->w + q) * m->c;
            A(run_of_pixels)(m, &s, n, x, r == m->h - 1 && q + n == m->w, to);
            for (int64_t k = 0; some && k < n; k++)
                for (int64_t i = 0; s.outside[k] && i < m->c; i++) to[k * m->c + i] = (TO)m->fill * (TO)m->scale;
        }
    }
}

void CNN_K(A(image_affine))(const cnn_affine_image *image, const double *t, const FROM *x, TO *y)
{
    cnn_affine_image m = *image;
    bool shifted = !isnan(t[6]);
    if (shifted) m.scale = 1; /* first the shift */
    if (t[0] == 1 && t[1] == 0 && t[2] == 0 && t[3] == 0 && t[4] == 1 && t[5] == 0)
        A(mirrored)(&m, t[7] != 0, t[8] != 0, x, y);
    else A(transformed)(&m, t, x, y);
    if (shifted) A(shift)(m.h * m.w * m.c, t[6], image->scale, y);
}
