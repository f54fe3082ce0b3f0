#include <wilco/wilco.h>

// The header as C++ reads it, its macros included.
wilco_bytes
greeting()
{
    return WILCO_TEXT("hello");
}
