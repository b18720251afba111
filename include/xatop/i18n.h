/* Every string for people is marked _() from the first line; catalogues come later. */
#ifndef XATOP_I18N_H
#define XATOP_I18N_H

#define _(string) (string)
#define N_(string) string

#endif
