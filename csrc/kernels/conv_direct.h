/* The plan of a direct convolution: forward and backward-data as one problem.
 *
 * Both make an image `out` from an image `in`: out[i, j] sums in[i * in_step + offset + t * tap_step, ...] * taps[t].
 * For backward-data `in` is dy, the taps are turned round and transposed, and a stride s splits each axis of dx into s
 * phases: the pixels of one phase see the same taps, and these lie evenly in dy, so no zeros are inserted.
 *
 * The grid of output pixels (of one phase) is cut into units of rows x columns. What a unit reads is used in place, or,
 * where it reaches over the edge or must pass through the activation's gradient, copied into scratch memory first. A
 * piece of the parallel loop is a few units, which share one walk through the weights. All of it depends on the shape
 * alone. */
#ifndef CNN_KERNELS_CONV_DIRECT_H
#define CNN_KERNELS_CONV_DIRECT_H

#include "kernels/types.h"
#include "runtime/parallel.h"

enum {
    CONV_STREAM_BYTES = 32 << 20, /* larger results are written past the caches */
    CONV_UNIT_BYTES = 128 << 10,  /* of input: leaves room in the second cache for weights and results */
    CONV_LEAST_WORK = 1 << 20,    /* multiplications worth a piece of their own */
    CONV_LEAST_PIECES = 16,
};

typedef struct {
    bool backward;
    int64_t size_in, size_out, kernel, stride, dilation, pad;
} conv_axis;

/* One phase of an axis; forward has one. Tap T of the packed weights is the kernel's first + T * tap_stride (forward),
 * or first + (taps - 1 - T) * tap_stride (backward). */
typedef struct {
    int64_t taps, first, tap_stride;
    int64_t in_step, tap_step, offset;
    int64_t count, out_first, out_step;
} conv_phase;

static inline int64_t conv_common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A stride and a dilation with a common divisor leave phases that no tap reaches: their `first` is the tap_stride. */
static inline conv_phase conv_phase_of(const conv_axis *a, int64_t phase)
{
    conv_phase p;
    if (!a->backward) return (conv_phase){a->kernel, 0, 1, a->stride, a->dilation, -a->pad, a->size_out, 0, 1};
    int64_t rest = (phase + a->pad) % a->stride, divisor = conv_common_divisor(a->stride, a->dilation);
    p.tap_stride = a->stride / divisor;
    p.first = rest;
    if (a->dilation > 1)
        for (p.first = 0; p.first < p.tap_stride && p.first * a->dilation % a->stride != rest;) p.first++;
    p.taps =
        p.first < p.tap_stride && p.first < a->kernel ? (a->kernel - p.first + p.tap_stride - 1) / p.tap_stride : 0;
    p.in_step = 1;
    p.tap_step = a->dilation / divisor;
    p.offset = (phase + a->pad - p.first * a->dilation) / a->stride - (p.taps - 1) * p.tap_step;
    p.count = (a->size_out - phase + a->stride - 1) / a->stride;
    p.out_first = phase;
    p.out_step = a->stride;
    return p;
}

static inline int64_t conv_phases(const conv_axis *a)
{
    return !a->backward ? 1 : a->stride < a->size_out ? a->stride : a->size_out;
}

/* The packed weights have the taps in the order of (index % tap_stride, index / tap_stride): how many come before a
 * phase's. */
static inline int64_t conv_taps_before(const conv_axis *a, const conv_phase *p)
{
    int64_t rest = a->kernel % p->tap_stride;
    return p->first * (a->kernel / p->tap_stride) + (p->first < rest ? p->first : rest);
}

/* What all phases read for the grid's positions [begin, end): [begin * in_step + low, (end - 1) * in_step + high). */
typedef struct {
    int64_t count, in_step, low, high;
} conv_reach;

static inline conv_reach conv_reach_of(const conv_axis *a)
{
    conv_reach r = {0, 1, 0, 0};
    bool first = true;
    for (int64_t k = 0; k < conv_phases(a); k++) {
        conv_phase p = conv_phase_of(a, k);
        int64_t high = p.offset + (p.taps - 1) * p.tap_step + 1;
        if (p.count > r.count) r.count = p.count;
        if (p.taps == 0) continue;
        r.in_step = p.in_step;
        if (first || p.offset < r.low) r.low = p.offset;
        if (first || high > r.high) r.high = high;
        first = false;
    }
    return r;
}

typedef struct {
    bool depthwise;      /* channels meet only their own weights: one group, with one input per output */
    cnn_activation gate; /* `in` is dy, to be multiplied by this activation's gradient */
    int64_t pool;        /* of `out` (forward) or `in` (backward) */
    int64_t up;          /* of `in` (forward) */
    conv_axis h, w;
    conv_reach reach_h, reach_w;
    int64_t n, groups, in_channels, out_channels;
    int64_t group_in, group_out;      /* channels per group */
    int64_t wide;                     /* columns of a panel of weights: two vectors, or one if depthwise */
    int64_t panels, group_out_packed; /* of a group: panels, and their columns in all, whole vectors */
    int64_t unit_rows, unit_columns, units_h, units_w, units;
    int64_t units_per_piece, pieces;
    int64_t copy_rows, copy_columns; /* of `in`, a unit's copy; 0: nothing is copied */
    size_t packed_items, bias_items,
        copy_items; /* scratch: packed weights, bias, one thread's copies; multiples of 16 */
} conv_direct_plan;

/* Makes units of whole windows. */
static inline void conv_align_units(conv_direct_plan *p)
{
    int64_t pool = p->pool;
    p->unit_rows = (p->unit_rows + pool - 1) / pool * pool;
    p->unit_columns = (p->unit_columns + pool - 1) / pool * pool;
    p->units_h = (p->reach_h.count + p->unit_rows - 1) / p->unit_rows;
    p->units_w = (p->reach_w.count + p->unit_columns - 1) / p->unit_columns;
    p->units = p->n * p->units_h * p->units_w;
}

/* Cuts the grid into units of about TARGET_BYTES of input, and, where that makes too few of them, smaller. */
static inline void conv_cut_units(conv_direct_plan *p, int64_t pixel_work, int64_t tile_rows, int64_t item_bytes)
{
    const conv_reach *rh = &p->reach_h, *rw = &p->reach_w;
    int64_t pixel_bytes = rh->in_step * rw->in_step * p->in_channels * item_bytes; /* of input, per output pixel */
    int64_t row_bytes = rw->count * pixel_bytes, halo = rh->high - rh->low - rh->in_step;
    bool over_edge = rh->low < 0 || rw->low < 0 || (rh->count - 1) * rh->in_step + rh->high > p->h.size_in ||
                     (rw->count - 1) * rw->in_step + rw->high > p->w.size_in;
    bool copies = over_edge || p->gate != CNN_LINEAR || (p->h.backward ? p->pool > 1 : p->up > 1);

    p->unit_rows = row_bytes > 0 ? CONV_UNIT_BYTES / row_bytes : rh->count;
    if (copies && p->unit_rows < 2 * halo) p->unit_rows = 2 * halo; /* else most of a copy is read twice */
    if (p->unit_rows > rh->count) p->unit_rows = rh->count;
    if (p->unit_rows < 1) p->unit_rows = 1;
    p->unit_columns = rw->count;
    if (p->unit_rows * row_bytes > 4 * CONV_UNIT_BYTES) {
        p->unit_columns = 2 * CONV_UNIT_BYTES / (p->unit_rows * pixel_bytes);
        p->unit_columns -= p->unit_columns % tile_rows;
        if (p->unit_columns < 2 * tile_rows) p->unit_columns = 2 * tile_rows;
        if (p->unit_columns > rw->count) p->unit_columns = rw->count;
    }
    for (;;) {
        if (p->unit_columns < 1) p->unit_columns = 1;
        p->units_h = (rh->count + p->unit_rows - 1) / p->unit_rows;
        p->units_w = (rw->count + p->unit_columns - 1) / p->unit_columns;
        p->units = p->n * p->units_h * p->units_w;
        int64_t work = p->unit_rows * p->unit_columns * pixel_work;
        if (p->units >= CONV_LEAST_PIECES || work < 2 * CONV_LEAST_WORK) break;
        if (p->unit_rows > 1) p->unit_rows = (p->unit_rows + 1) / 2;
        else if (p->unit_columns > 2 * tile_rows)
            p->unit_columns = (p->unit_columns / 2 + tile_rows - 1) / tile_rows * tile_rows;
        else break;
    }
    if (p->units_h > 0) p->unit_rows = (rh->count + p->units_h - 1) / p->units_h;
    if (!p->h.backward && p->pool > 1) conv_align_units(p);
    if (copies) {
        p->copy_rows = (p->unit_rows - 1) * rh->in_step + rh->high - rh->low;
        p->copy_columns = (p->unit_columns - 1) * rw->in_step + rw->high - rw->low;
    }
}

/* Deals units to pieces: enough work for each, more where the weights are large and the walk through them long. */
static inline void conv_cut_pieces(conv_direct_plan *p, int64_t pixel_work, int64_t packed_bytes, int64_t item_bytes)
{
    int64_t pixels = p->unit_rows * p->unit_columns, work = pixels * pixel_work;
    int64_t bytes = pixels * p->reach_h.in_step * p->reach_w.in_step * p->in_channels * item_bytes;
    int64_t wanted = work > 0 ? (CONV_LEAST_WORK + work - 1) / work : 1;
    int64_t most = bytes > 0 ? 2 * CONV_UNIT_BYTES / bytes : wanted;
    if (packed_bytes > 4 * CONV_UNIT_BYTES || wanted > most) wanted = most;
    if (wanted > p->units / CONV_LEAST_PIECES && work * wanted > CONV_LEAST_WORK)
        wanted = p->units / CONV_LEAST_PIECES; /* rather share the work among threads */
    p->units_per_piece = wanted < 1 ? 1 : wanted;
    p->pieces = (p->units + p->units_per_piece - 1) / p->units_per_piece;
}

static inline size_t conv_round_up(int64_t items)
{
    return ((size_t)items + 15) & ~(size_t)15;
}

/* BACKWARD: the plan of backward-data. LANES: items of a vector; TILE_ROWS: of a tile. */
static inline conv_direct_plan conv_direct_plan_of(const cnn_conv2d *conv, bool backward, int64_t lanes,
                                                   int64_t tile_rows, size_t item_bytes)
{
    conv_direct_plan p = {0};
    cnn_conv2d c = *conv;
    if (c.kh == 1 && c.kw == 1 && c.stride_h == 1 && c.stride_w == 1 && c.pool == 1 && c.up == 1) { /* one long row */
        c.w = c.ow = c.n * c.h * c.w;
        c.n = c.h = c.oh = 1;
    }
    p.n = c.n;
    p.depthwise = c.groups > 1 && c.groups == c.c && c.groups == c.f;
    p.groups = p.depthwise ? 1 : c.groups;
    p.gate = backward && c.pool == 1 ? c.activation : CNN_LINEAR;
    p.pool = c.pool;
    p.up = c.up;
    p.h = (conv_axis){backward, c.h, c.oh, c.kh, c.stride_h, c.dilation_h, c.pad_top};
    p.w = (conv_axis){backward, c.w, c.ow, c.kw, c.stride_w, c.dilation_w, c.pad_left};
    if (backward) {
        p.h.size_in = c.oh;
        p.h.size_out = c.h;
        p.w.size_in = c.ow;
        p.w.size_out = c.w;
    }
    p.in_channels = backward ? c.f : c.c;
    p.out_channels = backward ? c.c : c.f;
    p.group_in = p.depthwise ? 1 : p.in_channels / p.groups;
    p.group_out = p.out_channels / p.groups;
    p.wide = p.depthwise ? lanes : 2 * lanes;
    p.group_out_packed = (p.group_out + lanes - 1) / lanes * lanes;
    p.panels = (p.group_out + p.wide - 1) / p.wide;
    p.reach_h = conv_reach_of(&p.h);
    p.reach_w = conv_reach_of(&p.w);
    if (!backward) { /* what no window covers is not computed */
        p.reach_h.count -= p.reach_h.count % c.pool;
        p.reach_w.count -= p.reach_w.count % c.pool;
    }

    int64_t pixel_work = c.kh * c.kw * p.group_in * p.out_channels; /* of one grid position, all phases */
    int64_t packed = c.kh * c.kw * p.group_in * p.group_out_packed * p.groups;
    conv_cut_units(&p, pixel_work, tile_rows, (int64_t)item_bytes);
    conv_cut_pieces(&p, pixel_work, packed * (int64_t)item_bytes, (int64_t)item_bytes);
    p.packed_items = conv_round_up(packed);
    p.bias_items = conv_round_up(p.groups * p.group_out_packed);
    p.copy_items = conv_round_up(p.units_per_piece * p.copy_rows * p.copy_columns * p.in_channels);
    return p;
}

#endif
