/* See winograd.c; included once per type. */
#define TILE_SUMS 0
#include "kernels/conv_tile.inc.h"
#undef TILE_SUMS
#include "kernels/conv_pool.inc.h"
#include "kernels/conv_rows.inc.h"
#include "kernels/winograd_transform.inc.h"

typedef struct {
    const winograd_plan *plan;
    R(conv_image) in;
    const REAL *kernel, *scale; /* scale: of each filter; NULL: 1 */
    REAL *out, *u, *bias, *threads;
    uint8_t *place;
    bool has_bias, stream;
    cnn_activation activation;
} R(winograd_job);

/* The width of a panel: whole vectors. */
static int64_t R(panel_width)(const winograd_plan *p, int64_t panel)
{
    int64_t rest = p->filters_packed - panel * p->wide;
    return rest < p->wide ? rest : p->wide;
}

/* ---- the kernel: u[panel][point][channel][filters of the panel] ---- */

/* COUNT lanes, which may be all. */
CNN_INLINE R(vec) R(load_some)(const REAL *p, int64_t count)
{
    return count == REAL_LANES ? R(load)(p) : R(load_part)(p, count);
}

/* The weights between CHANNEL and COUNT filters from FIRST on. */
CNN_INLINE void R(winograd_weights)(const int K, const R(winograd_job) * j, int64_t channel, int64_t first,
                                    int64_t count, R(vec) * g)
{
    const winograd_plan *p = j->plan;
    for (int k = 0; k < K * K; k++) {
        if (!p->backward) {
            const REAL *from = j->kernel + (k * p->channels + channel) * p->filters + first;
            g[k] = R(load_some)(from, count);
            if (j->scale) g[k] *= R(load_some)(j->scale + first, count);
            continue;
        }
        const REAL *from = j->kernel + ((K * K - 1 - k) * p->filters + first) * p->channels + channel;
        g[k] = (R(vec)){0};
        for (int64_t l = 0; l < count; l++) g[k][l] = from[l * p->channels];
    }
}

CNN_INLINE void R(winograd_pack)(const int K, const R(winograd_job) * j, int64_t channel, int64_t first, int64_t count,
                                 REAL *u)
{
    R(vec)
    g[WINOGRAD_MOST_KERNEL * WINOGRAD_MOST_KERNEL], half[WINOGRAD_IN * WINOGRAD_MOST_KERNEL], row[WINOGRAD_IN];
    R(winograd_weights)(K, j, channel, first, count, g);
    for (int k = 0; k < K; k++) R(winograd_filter)(K, g + k, K, half + k, K);
    for (int i = 0; i < WINOGRAD_IN; i++) {
        R(winograd_filter)(K, half + K * i, 1, row, 1);
        for (int k = 0; k < WINOGRAD_IN; k++) R(store)(u + (i * WINOGRAD_IN + k) * j->plan->u_plane, row[k]);
    }
}

/* PIECE: some channels of a panel. */
static void R(winograd_pack_piece)(void *context, int64_t piece, int thread)
{
    const R(winograd_job) *j = context;
    const winograd_plan *p = j->plan;
    int64_t chunks = (p->channels + WINOGRAD_CHANNELS_AT_ONCE - 1) / WINOGRAD_CHANNELS_AT_ONCE;
    int64_t panel = piece / chunks, width = R(panel_width)(p, panel),
            begin = piece % chunks * WINOGRAD_CHANNELS_AT_ONCE;
    int64_t end = begin + WINOGRAD_CHANNELS_AT_ONCE < p->channels ? begin + WINOGRAD_CHANNELS_AT_ONCE : p->channels;
    REAL *u = j->u + panel * WINOGRAD_POINTS * p->u_plane;
    (void)thread;
    for (int64_t channel = begin; channel < end; channel++)
        for (int64_t f = 0; f < width; f += REAL_LANES) {
            int64_t first = panel * p->wide + f, count = p->filters - first;
            REAL *to = u + channel * width + f;
            if (count > REAL_LANES) count = REAL_LANES;
            switch (p->kernel) {
            case 3: R(winograd_pack)(3, j, channel, first, count, to); break;
            case 4: R(winograd_pack)(4, j, channel, first, count, to); break;
            case 5: R(winograd_pack)(5, j, channel, first, count, to); break;
            }
        }
}

/* ---- a block of tiles ---- */

/* V of the COUNT tiles from FIRST on. */
static void R(winograd_enter)(const R(winograd_job) * j, int64_t first, int64_t count, REAL *v,
                              const R(patch_memory) * memory)
{
    const winograd_plan *p = j->plan;
    winograd_patch_kind kind = R(patch_kind_of)(&j->in);
    R(patch) patch;
    for (int64_t i = 0; i < count; i++) {
        int64_t tile = first + i, column = tile % p->tiles_w, row = tile / p->tiles_w % p->tiles_h;
        R(conv_image) image = R(conv_image_at)(&j->in, tile / p->tiles_w / p->tiles_h);
        R(find_patch)(&image, row * p->side - p->top, column * p->side - p->left, WINOGRAD_IN, memory, &patch);
        R(transform_patch)(kind, &patch, p->channels, v + i * p->channels_packed, p->v_plane);
    }
}

/* M of a panel. */
static void R(winograd_multiply)(const R(winograd_job) * j, int64_t panel, int64_t count, const REAL *v, REAL *m)
{
    const winograd_plan *p = j->plan;
    int64_t width = R(panel_width)(p, panel), most = CNN_TILE_ROWS, tiles = (count + most - 1) / most;
    const R(tile_fn) *fns = R(tiles)[width > REAL_LANES];
    const REAL *u = j->u + panel * WINOGRAD_POINTS * p->u_plane;
    R(tile)
    t = {.runs_h = 1,
         .runs_w = 1,
         .length = p->channels,
         .row = p->channels_packed,
         .group = 3 * p->channels_packed,
         .c_row = p->wide,
         .columns = width};
    for (int point = 0; point < WINOGRAD_POINTS; point++, v += p->v_plane, u += p->u_plane, m += p->m_plane)
        for (int64_t k = 0, row = 0; k < tiles; k++) {
            int64_t end = count * (k + 1) / tiles;
            fns[end - row - 1](&t, v + row * p->channels_packed, u, m + row * p->wide);
            row = end;
        }
}

/* ROWS by COLUMNS of a tile, the part that exists, go to OUT. */
CNN_INLINE void R(store_tile)(const int SIDE, const bool WHOLE, const R(winograd_job) * j, const R(vec) * y,
                              int64_t rows, int64_t columns, int64_t count, REAL *out)
{
    const winograd_plan *p = j->plan;
    int64_t step = p->filters, pitch = p->out_w * step;
    CNN_UNROLL
    for (int i = 0; i < SIDE; i++) {
        if (!WHOLE && i >= rows) break;
        CNN_UNROLL
        for (int k = 0; k < SIDE; k++) {
            if (!WHOLE && k >= columns) break;
            REAL *to = out + i * pitch + k * step;
            if (j->stream) R(stream)(to, y[i * SIDE + k]);
            else if (WHOLE || count == REAL_LANES) R(store)(to, y[i * SIDE + k]);
            else R(store_part)(to, y[i * SIDE + k], count);
            if (j->activation == CNN_SIGMOID || j->activation == CNN_TANH) R(tile_activate)(j->activation, count, to);
        }
    }
}

/* The same, the largest of its windows of POOL x POOL. */
CNN_INLINE void R(store_pooled_tile)(const int SIDE, const int POOL, const R(winograd_job) * j, const R(vec) * y,
                                     int64_t rows, int64_t columns, int64_t count, REAL *out, uint8_t *place)
{
    const winograd_plan *p = j->plan;
    int64_t step = p->filters, pitch = p->out_w / POOL * step;
    CNN_UNROLL
    for (int i = 0; i < SIDE / POOL; i++) {
        if ((i + 1) * POOL > rows) break;
        CNN_UNROLL
        for (int k = 0; k < SIDE / POOL; k++) {
            R(vec) window[CNN_POOL_LARGEST * CNN_POOL_LARGEST];
            R(places) at;
            if ((k + 1) * POOL > columns) break;
            CNN_UNROLL
            for (int n = 0; n < POOL * POOL; n++) window[n] = y[(i * POOL + n / POOL) * SIDE + k * POOL + n % POOL];
            R(vec) best = R(largest)(POOL * POOL, window, &at);
            if (j->activation == CNN_RELU) best = R(relu_largest)(best, &at);
            int64_t to = i * pitch + k * step;
            if (count == REAL_LANES) R(store)(out + to, best);
            else R(store_part)(out + to, best, count);
            if (place) R(store_places)(place + to, at, count);
        }
    }
}

/* One vector of filters of a tile, from M. */
CNN_INLINE void R(leave_vector)(const int SIDE, const int POOL, const R(winograd_job) * j, const REAL *m, R(vec) bias,
                                int64_t rows, int64_t columns, int64_t count, int64_t to)
{
    const winograd_plan *p = j->plan;
    R(vec) half[WINOGRAD_MOST_OUT * WINOGRAD_IN], line[WINOGRAD_IN], y[WINOGRAD_MOST_OUT * WINOGRAD_MOST_OUT];
    CNN_UNROLL
    for (int k = 0; k < WINOGRAD_IN; k++) {
        CNN_UNROLL
        for (int i = 0; i < WINOGRAD_IN; i++) line[i] = R(load)(m + (i * WINOGRAD_IN + k) * p->m_plane);
        R(winograd_out)(SIDE, line, 1, half + k, WINOGRAD_IN);
    }
    CNN_UNROLL
    for (int i = 0; i < SIDE; i++) {
        R(winograd_out)(SIDE, half + i * WINOGRAD_IN, 1, y + i * SIDE, 1);
        CNN_UNROLL
        for (int k = 0; k < SIDE; k++) {
            R(vec) v = y[i * SIDE + k] + bias;
            if (POOL == 1 && j->activation == CNN_RELU)
                v = (R(vec))((R(mask))v & ~(v < 0)); /* so written, NaN stays NaN */
            y[i * SIDE + k] = v;
        }
    }
    if (POOL > 1)
        R(store_pooled_tile)(SIDE, POOL, j, y, rows, columns, count, j->out + to, j->place ? j->place + to : NULL);
    else if (rows == SIDE && columns == SIDE && count == REAL_LANES)
        R(store_tile)(SIDE, true, j, y, rows, columns, count, j->out + to);
    else R(store_tile)(SIDE, false, j, y, rows, columns, count, j->out + to);
}

CNN_INLINE void R(leave_tiles)(const int SIDE, const int POOL, const R(winograd_job) * j, int64_t panel, int64_t first,
                               int64_t count, const REAL *m)
{
    const winograd_plan *p = j->plan;
    int64_t from = panel * p->wide, width = p->filters - from < p->wide ? p->filters - from : p->wide;
    int64_t out_h = p->out_h / POOL, out_w = p->out_w / POOL, step = SIDE / POOL;
    for (int64_t i = 0; i < count; i++, m += p->wide) {
        int64_t tile = first + i, column = tile % p->tiles_w, row = tile / p->tiles_w % p->tiles_h;
        int64_t image = tile / p->tiles_w / p->tiles_h;
        int64_t rows = p->out_h - row * SIDE, columns = p->out_w - column * SIDE;
        int64_t to = ((image * out_h + row * step) * out_w + column * step) * p->filters + from;
        if (rows > SIDE) rows = SIDE;
        if (columns > SIDE) columns = SIDE;
        for (int64_t f = 0; f < width; f += REAL_LANES) {
            R(vec) bias = {0};
            if (j->has_bias) bias = R(load)(j->bias + from + f);
            R(leave_vector)(SIDE, POOL, j, m + f, bias, rows, columns, width - f < REAL_LANES ? width - f : REAL_LANES,
                            to + f);
        }
    }
}

/* From M to `out`, for the COUNT tiles from FIRST on. */
static void R(winograd_leave)(const R(winograd_job) * j, int64_t panel, int64_t first, int64_t count, const REAL *m)
{
    switch (j->plan->side * 10 + j->plan->pool) {
    case 41: R(leave_tiles)(4, 1, j, panel, first, count, m); break;
    case 42: R(leave_tiles)(4, 2, j, panel, first, count, m); break;
    case 31: R(leave_tiles)(3, 1, j, panel, first, count, m); break;
    case 33: R(leave_tiles)(3, 3, j, panel, first, count, m); break;
    case 21: R(leave_tiles)(2, 1, j, panel, first, count, m); break;
    case 22: R(leave_tiles)(2, 2, j, panel, first, count, m); break;
    }
}

static void R(winograd_piece)(void *context, int64_t piece, int thread)
{
    const R(winograd_job) *j = context;
    const winograd_plan *p = j->plan;
    int64_t first = piece * p->block, count = p->tiles - first < p->block ? p->tiles - first : p->block;
    REAL *v = j->threads + (size_t)thread * p->thread_items, *m = v + p->v_items;
    R(patch_memory) memory = R(patch_memory_at)(m + p->m_items, p->zero_items);
    R(winograd_enter)(j, first, count, v, &memory);
    for (int64_t panel = 0; panel < p->panels; panel++) {
        R(winograd_multiply)(j, panel, count, v, m);
        R(winograd_leave)(j, panel, first, count, m);
    }
    if (j->stream) cnn_stream_fence();
}

/* ---- the whole ---- */

/* Whether `out` is better written past the caches: it will have left them before anybody reads it. */
static bool R(winograd_streams)(const R(winograd_job) * j)
{
    const winograd_plan *p = j->plan;
    int64_t bytes = p->n * p->out_h * p->out_w * p->filters * (int64_t)sizeof(REAL);
    return p->pool == 1 && bytes > CONV_STREAM_BYTES && p->filters % REAL_LANES == 0 &&
           (uintptr_t)j->out % CNN_VECTOR_BYTES == 0 && (j->activation == CNN_LINEAR || j->activation == CNN_RELU);
}

static void R(winograd_run)(R(winograd_job) * j, const REAL *bias, void *scratch)
{
    const winograd_plan *p = j->plan;
    j->u = scratch;
    j->bias = j->u + p->u_items;
    j->threads = j->bias + p->bias_items;
    j->has_bias = bias != NULL;
    if (bias) {
        memset(j->bias, 0, p->bias_items * sizeof *bias);
        memcpy(j->bias, bias, (size_t)p->filters * sizeof *bias);
    }
    j->stream = R(winograd_streams)(j);
    int64_t chunks = (p->channels + WINOGRAD_CHANNELS_AT_ONCE - 1) / WINOGRAD_CHANNELS_AT_ONCE;
    cnn_parallel(p->panels * chunks, R(winograd_pack_piece), j);
    cnn_parallel(p->blocks, R(winograd_piece), j);
}

void RK(conv_winograd_forward)(const cnn_conv2d *conv, const REAL *x, const REAL *kernel, const REAL *scale,
                               const REAL *bias, REAL *y, uint8_t *place, void *scratch)
{
    winograd_plan plan = winograd_plan_of(conv, false, REAL_LANES, CNN_TILE_ROWS, sizeof(REAL));
    R(winograd_job)
    job = {.plan = &plan, .kernel = kernel, .out = y, .place = place, .activation = conv->activation};
    job.in = (R(conv_image)){
        .pixels = x, .pool = 1, .up = conv->up, .h = plan.in_h, .w = plan.in_w, .channels = plan.channels};
    job.scale = scale;
    R(winograd_run)(&job, bias, scratch);
}

void RK(conv_winograd_backward_data)(const cnn_conv2d *conv, const REAL *dy, const REAL *y, const uint8_t *place,
                                     const REAL *kernel, REAL *dx, void *scratch)
{
    winograd_plan plan = winograd_plan_of(conv, true, REAL_LANES, CNN_TILE_ROWS, sizeof(REAL));
    R(winograd_job) job = {.plan = &plan, .kernel = kernel, .out = dx, .activation = CNN_LINEAR};
    job.in = (R(conv_image)){dy, y, place, conv->activation, conv->pool, 1, plan.in_h, plan.in_w, plan.channels};
    R(winograd_run)(&job, NULL, scratch);
}

void RK(conv_winograd_transpose)(const cnn_conv2d *conv, cnn_activation act, const REAL *x, const REAL *kernel,
                                 const REAL *bias, REAL *y, void *scratch)
{
    winograd_plan plan = winograd_plan_of(conv, true, REAL_LANES, CNN_TILE_ROWS, sizeof(REAL));
    R(winograd_job) job = {.plan = &plan, .kernel = kernel, .out = y, .activation = act};
    job.in =
        (R(conv_image)){.pixels = x, .pool = 1, .up = 1, .h = plan.in_h, .w = plan.in_w, .channels = plan.channels};
    R(winograd_run)(&job, bias, scratch);
}
