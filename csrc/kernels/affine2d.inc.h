/* See affine2d.c; included once per type. */

typedef struct {
    const cnn_affine2d *a;
    int64_t pieces;
    const REAL *from, *transforms;
    REAL *to;
} R(affine_job);

#if REAL_IS_F32
#define FLOOR floorf
#define ROUND roundf
#else
#define FLOOR floor
#define ROUND round
#endif

/* Where the axis of LENGTH pixels is read for place X, which is finite and not huge; [0, length - 1] but for constant
 * filling. Reflect repeats d c b a | a b c d | d c b a, mirror d c b | a b c d | c b a. */
static inline REAL R(mapped)(cnn_fill fill, REAL x, int64_t length)
{
    REAL last = (REAL)(length - 1), n = (REAL)length;
    if (fill == CNN_FILL_CONSTANT) return x;
    if (length <= 1) return 0;
    if (x < 0 || x > last) {
        if (fill == CNN_FILL_WRAP) {
            if (x < 0) x += n * ((REAL)(int64_t)(-x / last) + 1);
            else x -= n * (REAL)(int64_t)(x / last);
        } else if (fill == CNN_FILL_REFLECT) {
            REAL period = 2 * n;
            if (x < 0) {
                x += period * (REAL)(int64_t)(-x / period);
                x = x < -n ? x + period : -x - 1;
            } else {
                x -= period * (REAL)(int64_t)(x / period);
                if (x >= n) x = period - x - 1;
            }
        } else if (fill == CNN_FILL_MIRROR) {
            REAL period = 2 * last;
            x = x < 0 ? -x : x;
            x -= period * (REAL)(int64_t)(x / period);
            if (x > last) x = period - x;
        }
    }
    return x < 0 ? 0 : x > last ? last : x;
}

/* The place in x of pixel (COLUMN, ROW); false if there is none. */
static inline bool R(place)(const cnn_affine2d *a, const REAL *t, int64_t column, int64_t row, REAL *px, REAL *py)
{
    REAL x = (REAL)column, y = (REAL)row, k = t[6] * x + t[7] * y + 1;
    *px = (t[0] * x + t[1] * y + t[2]) / k;
    *py = (t[3] * x + t[4] * y + t[5]) / k;
    if (!(*px > -1e9f && *px < 1e9f && *py > -1e9f && *py < 1e9f)) return false; /* far, infinite or not a number */
    *px = R(mapped)(a->fill, *px, a->w);
    *py = R(mapped)(a->fill, *py, a->h);
    return true;
}

/* The four pixels around a place and their shares; NULL for one that lies outside. */
typedef struct {
    int64_t at[4];
    REAL share[4];
    bool inside[4];
    int count;
} R(corners);

static inline R(corners) R(corners_of)(const cnn_affine2d *a, REAL x, REAL y)
{
    R(corners) c;
    if (!a->bilinear) {
        int64_t column = (int64_t)ROUND(x), row = (int64_t)ROUND(y);
        c.count = 1;
        c.share[0] = 1;
        c.inside[0] = column >= 0 && column < a->w && row >= 0 && row < a->h;
        c.at[0] = (row * a->w + column) * a->c;
        return c;
    }
    REAL left = FLOOR(x), top = FLOOR(y), right_share = x - left, low_share = y - top;
    c.count = 4;
    for (int i = 0; i < 4; i++) {
        int64_t column = (int64_t)left + (i & 1), row = (int64_t)top + (i >> 1);
        c.share[i] = (i & 1 ? right_share : 1 - right_share) * (i >> 1 ? low_share : 1 - low_share);
        c.inside[i] = column >= 0 && column < a->w && row >= 0 && row < a->h;
        c.at[i] = (row * a->w + column) * a->c;
    }
    return c;
}

static void R(affine_piece)(void *context, int64_t piece, int thread)
{
    const R(affine_job) *j = context;
    const cnn_affine2d *a = j->a;
    const REAL fill = (REAL)a->fill_value;
    int64_t begin, end, image_size = a->h * a->w * a->c;
    (void)thread;
    cnn_piece_range(a->n * a->h, j->pieces, piece, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        int64_t image = line / a->h, row = line % a->h;
        const REAL *x = j->from + image * image_size, *t = j->transforms + image * 8;
        REAL *y = j->to + line * a->w * a->c;
        for (int64_t column = 0; column < a->w; column++, y += a->c) {
            REAL px, py;
            if (!R(place)(a, t, column, row, &px, &py)) {
                for (int64_t k = 0; k < a->c; k++) y[k] = fill;
                continue;
            }
            R(corners) c = R(corners_of)(a, px, py);
            for (int64_t k = 0; k < a->c; k++) {
                REAL sum = 0;
                for (int i = 0; i < c.count; i++) sum += c.share[i] * (c.inside[i] ? x[c.at[i] + k] : fill);
                y[k] = sum;
            }
        }
    }
}

static void R(affine_backward_piece)(void *context, int64_t piece, int thread)
{
    const R(affine_job) *j = context;
    const cnn_affine2d *a = j->a;
    int64_t image_size = a->h * a->w * a->c;
    (void)thread;
    const REAL *dy = j->from + piece * image_size, *t = j->transforms + piece * 8;
    REAL *dx = j->to + piece * image_size;
    memset(dx, 0, (size_t)image_size * sizeof *dx);
    for (int64_t row = 0; row < a->h; row++) {
        for (int64_t column = 0; column < a->w; column++, dy += a->c) {
            REAL px, py;
            if (!R(place)(a, t, column, row, &px, &py)) continue;
            R(corners) c = R(corners_of)(a, px, py);
            for (int i = 0; i < c.count; i++)
                if (c.inside[i])
                    for (int64_t k = 0; k < a->c; k++) dx[c.at[i] + k] += c.share[i] * dy[k];
        }
    }
}

void RK(affine2d)(const cnn_affine2d *a, const REAL *x, const REAL *transforms, REAL *y)
{
    R(affine_job) job = {.a = a, .from = x, .transforms = transforms, .to = y};
    job.pieces = cnn_pieces(a->n * a->h * a->w * a->c, GRAIN);
    if (job.pieces > a->n * a->h) job.pieces = a->n * a->h;
    cnn_parallel(job.pieces, R(affine_piece), &job);
}

void RK(affine2d_backward)(const cnn_affine2d *a, const REAL *dy, const REAL *transforms, REAL *dx)
{
    R(affine_job) job = {.a = a, .from = dy, .transforms = transforms, .to = dx};
    cnn_parallel(a->n, R(affine_backward_piece), &job);
}

#undef FLOOR
#undef ROUND
