package trace

import "context"

// Carried is the request for which something is done, as carried by a context.
type Carried struct {
	ID   string // as in logs; empty: none
	Span *Span  // the present span; nil: it is not traced
}

// MaxIDBytes bounds a request id that is accepted from outside.
const MaxIDBytes = 128

// ValidID reports whether an id from outside may be logged: 1 to MaxIDBytes bytes of
// visible ASCII.
func ValidID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= MaxIDBytes
}

// Context is a context with a Carried, which must not change once the context is in
// use. As a part of a larger struct it costs no allocation of its own.
type Context struct {
	context.Context
	Carried Carried
}

type carriedKey struct{}

// Value implements context.Context.
func (c *Context) Value(key any) any {
	if key == (carriedKey{}) {
		return &c.Carried
	}
	return c.Context.Value(key)
}

// With returns a context that carries c, or ctx itself if c is empty.
func With(ctx context.Context, c Carried) context.Context {
	if c == (Carried{}) {
		return ctx
	}
	return &Context{ctx, c}
}

// From returns what ctx carries, the zero value if nothing.
func From(ctx context.Context) Carried {
	if c, ok := ctx.Value(carriedKey{}).(*Carried); ok {
		return *c
	}
	return Carried{}
}
