/* See winograd_weights.c; included once per type. */
#define TILE_SUMS 1
#include "kernels/conv_tile.inc.h"
#undef TILE_SUMS
#include "kernels/conv_pool.inc.h"
#include "kernels/conv_rows.inc.h"
#include "kernels/winograd_transform.inc.h"

typedef struct {
    const winograd_weights_plan *plan;
    R(conv_image) x, dy;
    REAL *sums, *bias_sums, *threads, *dkernel, *dbias;
} R(winograd_weights_job);

/* V and D of a block of COUNT tiles from FIRST on; D of WIDTH filters from FILTER on, whose dz are added to BIAS. */
static void R(enter_block)(const R(winograd_weights_job) * j, int64_t first, int64_t count, int64_t filter,
                           int64_t width, REAL *v, REAL *d, REAL *bias, const R(patch_memory) * memory)
{
    const winograd_weights_plan *p = j->plan;
    const cnn_conv2d *c = &p->conv;
    winograd_patch_kind kind = R(patch_kind_of)(&j->dy);
    R(patch) patch;
    for (int64_t i = 0; i < count; i++) {
        int64_t tile = first + i, image = tile / p->tiles_w / p->tiles_h;
        int64_t row = tile / p->tiles_w % p->tiles_h * p->side, column = tile % p->tiles_w * p->side;
        R(conv_image) x = R(conv_image_at)(&j->x, image), dy = R(conv_image_at)(&j->dy, image);
        if (j->dkernel) {
            R(find_patch)(&x, row - c->pad_top, column - c->pad_left, WINOGRAD_IN, memory, &patch);
            R(transform_patch)(PATCH_PLAIN, &patch, c->c, v + i * p->channels_packed, p->v_plane);
        }
        R(find_patch)(&dy, row, column, (int)p->side, memory, &patch);
        R(spread_patch)(p->side, kind, &patch, filter, width, d + i * p->d_row, p->d_plane, bias);
    }
}

/* The width of a panel: whole vectors. */
static int64_t R(sums_width)(const winograd_weights_plan *p, int64_t panel)
{
    int64_t rest = p->filters_packed - panel * p->wide;
    return rest < p->wide ? rest : p->wide;
}

/* Adds the products of a block to SUMS[point][channel][width] of one panel. */
static void R(add_products)(const R(winograd_weights_job) * j, int64_t panel, int64_t count, const REAL *v,
                            const REAL *d, REAL *sums)
{
    const winograd_weights_plan *p = j->plan;
    int64_t width = R(sums_width)(p, panel), most = CNN_TILE_ROWS, channels = p->conv.c;
    int64_t tiles = (channels + most - 1) / most;
    const R(tile_fn) *fns = R(tiles)[width > REAL_LANES];
    R(tile) t = {.runs_h = 1, .runs_w = 1, .length = count, .step = p->channels_packed, .group = 3, .b_step = p->d_row};
    for (int point = 0; point < WINOGRAD_POINTS; point++, v += p->v_plane, d += p->d_plane, sums += p->sums_plane)
        for (int64_t k = 0, channel = 0; k < tiles; k++) {
            int64_t end = channels * (k + 1) / tiles;
            fns[end - channel - 1](&t, v + channel, d, sums + channel * width);
            channel = end;
        }
}

static void R(winograd_weights_piece)(void *context, int64_t piece, int thread)
{
    const R(winograd_weights_job) *j = context;
    const winograd_weights_plan *p = j->plan;
    int64_t split = piece % p->splits, from = piece / p->splits * p->panels_per_piece, begin, end;
    int64_t to = from + p->panels_per_piece < p->panels ? from + p->panels_per_piece : p->panels;
    int64_t panel_items = WINOGRAD_POINTS * p->sums_plane, filter = from * p->wide;
    int64_t width = (to * p->wide < p->conv.f ? to * p->wide : p->conv.f) - filter;
    REAL *sums = j->sums + split * (int64_t)p->sums_items, *bias = j->bias_sums + split * (int64_t)p->bias_items;
    REAL *v = j->threads + (size_t)thread * p->thread_items, *d = v + p->v_items;
    R(patch_memory) memory = R(patch_memory_at)(d + p->d_items, p->zero_items);
    memset(sums + from * panel_items, 0, (size_t)((to - from) * panel_items) * sizeof *sums);
    memset(bias + filter, 0, (size_t)((to - from) * p->wide) * sizeof *bias);
    cnn_piece_range(p->blocks, p->splits, split, &begin, &end);
    for (int64_t block = begin; block < end; block++) {
        int64_t first = block * p->block, count = p->tiles - first < p->block ? p->tiles - first : p->block;
        R(enter_block)(j, first, count, filter, width, v, d, bias + filter, &memory);
        for (int64_t panel = from; j->dkernel && panel < to; panel++)
            R(add_products)(j, panel, count, v, d + (panel - from) * p->wide, sums + panel * panel_items);
    }
}

/* ---- adding the splits, in order, and back to the kernel ---- */

/* One channel and a vector of filters: SUMS at the first split's point 0. */
CNN_INLINE void R(leave_weights)(const int K, const R(winograd_weights_job) * j, const REAL *sums, int64_t count,
                                 REAL *to)
{
    const winograd_weights_plan *p = j->plan;
    R(vec) t[WINOGRAD_POINTS], half[WINOGRAD_MOST_KERNEL * WINOGRAD_IN], g[WINOGRAD_MOST_KERNEL];
    for (int point = 0; point < WINOGRAD_POINTS; point++) {
        const REAL *part = sums + point * p->sums_plane;
        t[point] = R(load)(part);
        for (int64_t s = 1; s < p->splits; s++) t[point] += R(load)(part + s * (int64_t)p->sums_items);
    }
    for (int k = 0; k < WINOGRAD_IN; k++) R(winograd_gather)(K, t + k, WINOGRAD_IN, half + k, WINOGRAD_IN);
    for (int i = 0; i < K; i++) {
        R(winograd_gather)(K, half + i * WINOGRAD_IN, 1, g, 1);
        for (int k = 0; k < K; k++) {
            REAL *at = to + (K * i + k) * p->conv.c * p->conv.f;
            if (count == REAL_LANES) R(store)(at, g[k]);
            else
                for (int64_t l = 0; l < count; l++) at[l] = g[k][l];
        }
    }
}

/* PIECE: some channels of a panel. */
static void R(winograd_add_piece)(void *context, int64_t piece, int thread)
{
    const R(winograd_weights_job) *j = context;
    const winograd_weights_plan *p = j->plan;
    const cnn_conv2d *c = &p->conv;
    int64_t chunks = (c->c + WINOGRAD_CHANNELS_AT_ONCE - 1) / WINOGRAD_CHANNELS_AT_ONCE;
    int64_t panel = piece / chunks, begin = piece % chunks * WINOGRAD_CHANNELS_AT_ONCE;
    int64_t end = begin + WINOGRAD_CHANNELS_AT_ONCE < c->c ? begin + WINOGRAD_CHANNELS_AT_ONCE : c->c;
    int64_t width = R(sums_width)(p, panel);
    const REAL *sums = j->sums + panel * WINOGRAD_POINTS * p->sums_plane;
    (void)thread;
    for (int64_t channel = begin; channel < end; channel++)
        for (int64_t f = 0; f < width; f += REAL_LANES) {
            int64_t filter = panel * p->wide + f, count = c->f - filter < REAL_LANES ? c->f - filter : REAL_LANES;
            const REAL *from = sums + channel * width + f;
            REAL *to = j->dkernel + channel * c->f + filter;
            switch (c->kh) {
            case 3: R(leave_weights)(3, j, from, count, to); break;
            case 4: R(leave_weights)(4, j, from, count, to); break;
            case 5: R(leave_weights)(5, j, from, count, to); break;
            }
        }
}

void RK(conv_winograd_backward_weights)(const cnn_conv2d *conv, const REAL *x, const REAL *dy, const REAL *y,
                                        const uint8_t *place, REAL *dkernel, REAL *dbias, void *scratch)
{
    winograd_weights_plan plan = winograd_weights_plan_of(conv, REAL_LANES, sizeof(REAL));
    R(winograd_weights_job) job = {.plan = &plan, .sums = scratch, .dkernel = dkernel, .dbias = dbias};
    job.bias_sums = job.sums + (size_t)plan.splits * plan.sums_items;
    job.threads = job.bias_sums + (size_t)plan.splits * plan.bias_items;
    job.x = (R(conv_image)){.pixels = x, .pool = 1, .up = conv->up, .h = conv->h, .w = conv->w, .channels = conv->c};
    job.dy = (R(conv_image)){dy, y, place, conv->activation, conv->pool, 1, conv->oh, conv->ow, conv->f};
    cnn_parallel(plan.pieces, R(winograd_weights_piece), &job);
    int64_t chunks = (conv->c + WINOGRAD_CHANNELS_AT_ONCE - 1) / WINOGRAD_CHANNELS_AT_ONCE;
    if (dkernel) cnn_parallel(plan.panels * chunks, R(winograd_add_piece), &job);
    if (!dbias) return;
    memset(dbias, 0, (size_t)conv->f * sizeof *dbias);
    for (int64_t s = 0; s < plan.splits; s++)
        for (int64_t f = 0; f < conv->f; f++) dbias[f] += job.bias_sums[s * (int64_t)plan.bias_items + f];
}
