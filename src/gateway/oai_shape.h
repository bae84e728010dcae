/*
 * oai_shape.h - the JSON of chat completions, text completions and their
 * stream chunks (OpenAI API 2.3.0). Pure: writes what the generation holds.
 */
#ifndef GATEWAY_OAI_SHAPE_H
#define GATEWAY_OAI_SHAPE_H

#include "gateway/oai_gen.h"

/* Each appends one whole "data: {...}\n\n" event to `out`. */
NODISCARD enum err oai_shape_role(const struct oai_gen *g, uint32_t index,
                                  struct buf *out);
NODISCARD enum err oai_shape_delta(struct oai_gen *g, const struct msg_delta *m,
                                   struct buf *out);
NODISCARD enum err oai_shape_finish(const struct oai_gen *g, uint32_t index,
                                    struct buf *out);
NODISCARD enum err oai_shape_usage(const struct oai_gen *g, struct buf *out);

/* The whole answer of a request that is not streamed. */
NODISCARD enum err oai_shape_whole(struct oai_gen *g, struct buf *out);

#endif
