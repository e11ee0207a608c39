/* The plan of Winograd's backward-weights: the sums over tiles of V[point][tile][channel] * D[point][tile][filter],
 * where V comes from the patches of x and D from the tiles of dz.
 *
 * A piece has some panels of filters and one of `splits` runs of blocks of tiles; the splits are added in order at the
 * end. V and D of a block stay in the second cache. The sums, which may be larger, pass through it once a block, which
 * costs less than to transform the patches again for fewer filters at a time; so a block has some dozen tiles at least.
 * All of it depends on the shape alone. */
#ifndef CNN_KERNELS_WINOGRAD_WEIGHTS_H
#define CNN_KERNELS_WINOGRAD_WEIGHTS_H

#include "kernels/winograd.h"

typedef struct {
    cnn_conv2d conv;
    int64_t side; /* of a tile */
    int64_t tiles_h, tiles_w, tiles, block, blocks;
    int64_t channels_packed, filters_packed; /* whole vectors */
    int64_t wide, panels, panels_per_piece, panel_blocks, splits, pieces;
    int64_t v_plane, d_plane, d_row, sums_plane; /* items from point to point, and from tile to tile of D */
    size_t sums_items, bias_items;               /* of a split */
    size_t v_items, d_items, zero_items, room_items, thread_items;
} winograd_weights_plan;

static inline winograd_weights_plan winograd_weights_plan_of(const cnn_conv2d *c, int64_t lanes, size_t item_bytes)
{
    enum {
        SUMS_BYTES = 2560 << 10,
        BLOCK_BYTES = 448 << 10,
        LEAST_TILES = 32, /* that the sums are worth reading and writing for */
        MOST_TILES = 64,
        PIECES = 16,
        LEAST_PIECES = 4, /* each has its own sums to clear and to add */
        ALL_SUMS_BYTES = 8 << 20
    };
    winograd_weights_plan p = {.conv = *c};
    int64_t item = (int64_t)item_bytes;
    p.side = WINOGRAD_IN + 1 - c->kh;
    p.tiles_h = (c->oh - c->oh % c->pool + p.side - 1) / p.side;
    p.tiles_w = (c->ow - c->ow % c->pool + p.side - 1) / p.side;
    p.tiles = c->n * p.tiles_h * p.tiles_w;
    p.channels_packed = winograd_round(c->c, lanes);
    p.filters_packed = winograd_round(c->f, lanes);
    p.wide = 2 * lanes;
    p.panels = (c->f + p.wide - 1) / p.wide;
    p.sums_plane = c->c * p.wide + WINOGRAD_GAP;
    int64_t panel_bytes = WINOGRAD_POINTS * p.sums_plane * item;
    p.panels_per_piece = SUMS_BYTES / panel_bytes;
    if (p.panels_per_piece > p.panels) p.panels_per_piece = p.panels;
    if (p.panels_per_piece < 1) p.panels_per_piece = 1;
    p.panel_blocks = (p.panels + p.panels_per_piece - 1) / p.panels_per_piece;
    p.d_row = p.panels_per_piece * p.wide;

    p.block = BLOCK_BYTES / (WINOGRAD_POINTS * (p.channels_packed + p.d_row) * item);
    if (p.block > MOST_TILES) p.block = MOST_TILES;
    if (p.block < LEAST_TILES) p.block = LEAST_TILES;
    p.blocks = (p.tiles + p.block - 1) / p.block;
    p.splits = (PIECES + p.panel_blocks - 1) / p.panel_blocks;
    int64_t affordable = ALL_SUMS_BYTES / (p.panels * panel_bytes);
    if (p.splits > affordable) p.splits = affordable;
    if (p.splits * p.panel_blocks < LEAST_PIECES) p.splits = (LEAST_PIECES + p.panel_blocks - 1) / p.panel_blocks;
    if (p.splits > p.blocks) p.splits = p.blocks;
    if (p.splits < 1) p.splits = 1;
    p.pieces = p.panel_blocks * p.splits;

    p.v_plane = p.block * p.channels_packed + WINOGRAD_GAP;
    p.d_plane = p.block * p.d_row + WINOGRAD_GAP;
    int64_t most = c->c > c->f ? c->c : c->f;
    p.sums_items = (size_t)(p.panels * WINOGRAD_POINTS * p.sums_plane);
    p.bias_items = (size_t)(p.panels * p.wide);
    p.v_items = (size_t)(WINOGRAD_POINTS * p.v_plane);
    p.d_items = (size_t)(WINOGRAD_POINTS * p.d_plane);
    p.zero_items = (size_t)winograd_round(most, 16);
    p.room_items = (size_t)winograd_round(WINOGRAD_IN * WINOGRAD_IN * most, 16);
    p.thread_items = p.v_items + p.d_items + 2 * p.zero_items + p.room_items; /* the second zeros: bytes */
    return p;
}

#endif
