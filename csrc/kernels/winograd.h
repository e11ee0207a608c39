/* The plan of Winograd's convolutions, forward and backward-data as one problem: `out` is the convolution of `in` with
 * a square kernel, which for backward-data is turned round and transposed, `in` being dy.
 *
 * The tiles of all images stand in one row, which is cut into blocks. A block's patches are transformed to
 * V[point][tile][channel]; for each panel of two vectors of filters the products with U[point][channel][filter] make
 * M[point][tile][filter], and from this the tiles are transformed back, all in the second cache. U, the transformed
 * kernel, is made once per call. All of it depends on the shape alone. */
#ifndef CNN_KERNELS_WINOGRAD_H
#define CNN_KERNELS_WINOGRAD_H

#include "kernels/types.h"
#include "runtime/parallel.h"

#define WINOGRAD_IN 6 /* pixels of a patch along an axis: those of a tile and of the kernel, less one */
#define WINOGRAD_POINTS 36
#define WINOGRAD_LEAST_KERNEL 3
#define WINOGRAD_MOST_KERNEL 5
#define WINOGRAD_MOST_OUT 4 /* pixels of a tile along an axis, for the smallest kernel */

enum {
    WINOGRAD_BLOCK_BYTES = 448 << 10, /* of V and M: leaves room for U in a second cache of 1 MiB */
    WINOGRAD_MOST_TILES = 64,         /* more do not help: U is read from the second cache often enough */
    WINOGRAD_LEAST_BLOCKS = 8,        /* to share among threads */
    WINOGRAD_WORTH_SHARING = 4,       /* tiles */
    WINOGRAD_GAP = 16,                /* items between planes, lest they fall into the same lines of the caches */
    WINOGRAD_CHANNELS_AT_ONCE = 16,   /* of the kernel, when it is transformed */
};

/* How patches are read: as they are, through ReLU's gradient, or spread from what was pooled. */
typedef enum { PATCH_PLAIN, PATCH_RELU, PATCH_POOLED } winograd_patch_kind;

typedef struct {
    bool backward;
    int64_t n, in_h, in_w, channels, out_h, out_w, filters; /* pixels before any pooling */
    int64_t top, left;                                      /* the patch of output pixel 0 begins at (-top, -left) */
    int64_t pool;                                           /* of `out` */
    int64_t kernel, side;                                   /* of the kernel, and of a tile */
    int64_t tiles_h, tiles_w, tiles, block, blocks;
    int64_t channels_packed, filters_packed; /* whole vectors */
    int64_t wide, panels;
    int64_t u_plane, v_plane, m_plane; /* items from point to point */
    size_t u_items, bias_items, v_items, m_items, zero_items, room_items, thread_items;
} winograd_plan;

/* What Winograd's way is made for at all. */
static inline bool winograd_fits(const cnn_conv2d *c)
{
    return c->kh == c->kw && c->kh >= WINOGRAD_LEAST_KERNEL && c->kh <= WINOGRAD_MOST_KERNEL && c->stride_h == 1 &&
           c->stride_w == 1 && c->dilation_h == 1 && c->dilation_w == 1 && c->groups == 1 &&
           (WINOGRAD_IN + 1 - c->kh) % c->pool == 0;
}

/* How many tiles a block has, about the same in all: as many as the second cache holds, fewer if there would be too few
 * blocks. */
static inline int64_t winograd_block(int64_t tiles, int64_t tile_bytes, int64_t tile_rows)
{
    int64_t most = WINOGRAD_BLOCK_BYTES / tile_bytes;
    if (most > WINOGRAD_MOST_TILES) most = WINOGRAD_MOST_TILES;
    if (most < tile_rows) most = tile_rows;
    int64_t blocks = (tiles + most - 1) / most, shares = (tiles + tile_rows - 1) / tile_rows;
    if (shares > WINOGRAD_LEAST_BLOCKS) shares = WINOGRAD_LEAST_BLOCKS;
    if (shares < 2 && tiles >= WINOGRAD_WORTH_SHARING) shares = 2;
    if (blocks < shares) blocks = shares;
    if (blocks < 1) blocks = 1;
    int64_t block = (tiles + blocks - 1) / blocks, whole = (block + tile_rows - 1) / tile_rows * tile_rows;
    if (block > 2 * tile_rows && whole <= most) block = whole; /* no short tiles of the microkernel */
    return block < 1 ? 1 : block;
}

static inline int64_t winograd_round(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/* LANES: items of a vector; TILE_ROWS: of the microkernel. */
static inline winograd_plan winograd_plan_of(const cnn_conv2d *c, bool backward, int64_t lanes, int64_t tile_rows,
                                             size_t item_bytes)
{
    winograd_plan p = {.backward = backward, .n = c->n, .pool = backward ? 1 : c->pool, .kernel = c->kh};
    p.side = WINOGRAD_IN + 1 - p.kernel;
    p.in_h = backward ? c->oh : c->h;
    p.in_w = backward ? c->ow : c->w;
    p.channels = backward ? c->f : c->c;
    p.out_h = backward ? c->h : c->oh;
    p.out_w = backward ? c->w : c->ow;
    p.filters = backward ? c->c : c->f;
    p.top = backward ? p.kernel - 1 - c->pad_top : c->pad_top;
    p.left = backward ? p.kernel - 1 - c->pad_left : c->pad_left;
    p.tiles_h = (p.out_h - p.out_h % p.pool + p.side - 1) / p.side;
    p.tiles_w = (p.out_w - p.out_w % p.pool + p.side - 1) / p.side;
    p.tiles = p.n * p.tiles_h * p.tiles_w;
    p.channels_packed = winograd_round(p.channels, lanes);
    p.filters_packed = winograd_round(p.filters, lanes);
    p.wide = 2 * lanes;
    p.panels = (p.filters + p.wide - 1) / p.wide;
    p.block = winograd_block(p.tiles, WINOGRAD_POINTS * (p.channels_packed + p.wide) * (int64_t)item_bytes, tile_rows);
    p.blocks = (p.tiles + p.block - 1) / p.block;
    p.u_plane = p.channels * p.wide + WINOGRAD_GAP;
    p.v_plane = p.block * p.channels_packed + WINOGRAD_GAP;
    p.m_plane = p.block * p.wide + WINOGRAD_GAP;
    p.u_items = (size_t)(p.panels * WINOGRAD_POINTS * p.u_plane);
    p.bias_items = (size_t)(p.panels * p.wide);
    p.v_items = (size_t)(WINOGRAD_POINTS * p.v_plane);
    p.m_items = (size_t)(WINOGRAD_POINTS * p.m_plane);
    p.zero_items = (size_t)winograd_round(p.channels, 16);
    p.room_items = (size_t)winograd_round(WINOGRAD_IN * WINOGRAD_IN * p.channels, 16);
    p.thread_items = p.v_items + p.m_items + 2 * p.zero_items + p.room_items; /* the second zeros: bytes */
    return p;
}

#endif
