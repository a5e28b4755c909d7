/* The page's style sheet. */
#ifndef SERVER_STYLE_H
#define SERVER_STYLE_H

extern const char server_style[];

#endif
