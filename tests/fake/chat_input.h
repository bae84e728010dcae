/*
 * chat_input.h - what a client sends for a chat, made from its parts.
 */
#ifndef TESTS_FAKE_CHAT_INPUT_H
#define TESTS_FAKE_CHAT_INPUT_H

#include "data/json.h"

/* {"messages":[{"role":role,"content":content}]}, parsed into `doc`. */
struct json chat_input(const char *role, struct str content,
                       struct json_doc *doc);

#endif
