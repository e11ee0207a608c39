/* See conv_depth.c; included once per type. */

typedef struct {
    const cnn_conv_depth *v;
    int64_t pieces;
    const REAL *from;
    REAL *to;
} R(depth_job);

/* to[COUNT,G,...] (+)= from[COUNT,G,...]: runs of LENGTH items, TO_STEP and FROM_STEP apart. */
static void R(move_runs)(bool add, int64_t runs, int64_t length, const REAL *from, int64_t from_step, REAL *to,
                         int64_t to_step)
{
    for (int64_t r = 0; r < runs; r++, from += from_step, to += to_step) {
        if (add)
            for (int64_t i = 0; i < length; i++) to[i] += from[i];
        else
            for (int64_t i = 0; i < length; i++) to[i] = from[i];
    }
}

/* to[COUNT,KD] = from[COUNT] repeated, and to[COUNT] = the sums of from[COUNT,KD]. */
CNN_INLINE void R(repeat)(const int64_t kd, int64_t count, const REAL *from, REAL *to)
{
    for (int64_t i = 0; i < count; i++, to += kd)
        for (int64_t k = 0; k < kd; k++) to[k] = from[i];
}

CNN_INLINE void R(sum_repeated)(const int64_t kd, int64_t count, const REAL *from, REAL *to)
{
    for (int64_t i = 0; i < count; i++, from += kd) {
        REAL sum = from[0];
        for (int64_t k = 1; k < kd; k++) sum += from[k];
        to[i] = sum;
    }
}

/* FUNCTION with KD known to the compiler where it is common. */
#define FOR_KD(function, kd, ...)                                                                                      \
    switch (kd) {                                                                                                      \
    case 2: function(2, __VA_ARGS__); break;                                                                           \
    case 3: function(3, __VA_ARGS__); break;                                                                           \
    case 4: function(4, __VA_ARGS__); break;                                                                           \
    case 8: function(8, __VA_ARGS__); break;                                                                           \
    default: function(kd, __VA_ARGS__);                                                                                \
    }

static void R(gather_depth)(const R(depth_job) * j, int64_t plane, int64_t first, int64_t count)
{
    const cnn_conv_depth *v = j->v;
    int64_t image = plane / v->od, step = v->kd * v->group_channels, channels = v->groups * v->group_channels;
    REAL *to = j->to + (plane * v->pixels + first) * v->groups * step;
    if (v->dilation == 0) {
        const REAL *from = j->from + (plane * v->pixels + first) * channels;
        FOR_KD(R(repeat), v->kd, count * channels, from, to)
        return;
    }
    for (int64_t k = 0; k < v->kd; k++, to += v->group_channels) {
        int64_t d = plane % v->od * v->stride + k * v->dilation - v->pad;
        if (d >= 0 && d < v->d) {
            const REAL *from = j->from + ((image * v->d + d) * v->pixels + first) * channels;
            R(move_runs)(false, count * v->groups, v->group_channels, from, v->group_channels, to, step);
        } else {
            for (int64_t r = 0; r < count * v->groups; r++)
                memset(to + r * step, 0, (size_t)v->group_channels * sizeof *to);
        }
    }
}

static void R(scatter_depth)(const R(depth_job) * j, int64_t plane, int64_t first, int64_t count)
{
    const cnn_conv_depth *v = j->v;
    int64_t image = plane / v->d, step = v->kd * v->group_channels, channels = v->groups * v->group_channels;
    REAL *to = j->to + (plane * v->pixels + first) * channels;
    if (v->dilation == 0) {
        const REAL *from = j->from + (plane * v->pixels + first) * v->groups * step;
        FOR_KD(R(sum_repeated), v->kd, count * channels, from, to)
        return;
    }
    memset(to, 0, (size_t)(count * channels) * sizeof *to);
    for (int64_t k = 0; k < v->kd; k++) {
        int64_t at = plane % v->d + v->pad - k * v->dilation;
        if (at < 0 || at % v->stride || at / v->stride >= v->od) continue;
        const REAL *from = j->from + ((image * v->od + at / v->stride) * v->pixels + first) * v->groups * step;
        R(move_runs)(true, count * v->groups, v->group_channels, from + k * v->group_channels, step, to,
                     v->group_channels);
    }
}

/* PIECE: some pixels, of one plane or several. */
#define DEPTH_PIECE(name, planes_of_a_volume)                                                                          \
    static void R(name##_piece)(void *context, int64_t piece, int thread)                                              \
    {                                                                                                                  \
        const R(depth_job) *j = context;                                                                               \
        const cnn_conv_depth *v = j->v;                                                                                \
        int64_t begin, end;                                                                                            \
        (void)thread;                                                                                                  \
        cnn_piece_range(v->n * v->planes_of_a_volume * v->pixels, j->pieces, piece, &begin, &end);                     \
        while (begin < end) {                                                                                          \
            int64_t first = begin % v->pixels, count = v->pixels - first;                                              \
            if (count > end - begin) count = end - begin;                                                              \
            R(name)(j, begin / v->pixels, first, count);                                                               \
            begin += count;                                                                                            \
        }                                                                                                              \
    }
DEPTH_PIECE(gather_depth, od)
DEPTH_PIECE(scatter_depth, d)
#undef DEPTH_PIECE
#undef FOR_KD

static int64_t R(depth_pieces)(const cnn_conv_depth *v, int64_t planes)
{
    int64_t pixels = v->n * planes * v->pixels;
    int64_t pieces = cnn_pieces(pixels * v->kd * v->groups * v->group_channels, GRAIN);
    return pieces < pixels ? pieces : pixels;
}

void RK(conv_gather_depth)(const cnn_conv_depth *v, const REAL *x, REAL *planes)
{
    R(depth_job) job = {v, R(depth_pieces)(v, v->od), x, planes};
    cnn_parallel(job.pieces, R(gather_depth_piece), &job);
}

void RK(conv_scatter_depth)(const cnn_conv_depth *v, const REAL *planes, REAL *x)
{
    R(depth_job) job = {v, R(depth_pieces)(v, v->d), planes, x};
    cnn_parallel(job.pieces, R(scatter_depth_piece), &job);
}
