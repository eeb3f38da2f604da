package trace

import "context"

// Carried is what a context knows of the request for which something is done.
type Carried struct {
	ID   string // as logs name it; empty: none
	Span *Span  // what is under way; nil: it is not traced
}

// MaxIDBytes is the length of the longest id of a request that is taken over.
const MaxIDBytes = 128

// ValidID reports whether an id from outside is fit for a log: 1 to MaxIDBytes bytes
// of visible ASCII.
func ValidID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= MaxIDBytes
}

// Context is a context that carries something. As a part of a larger struct it costs
// no allocation of its own; Carried must not change once the context is in use.
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

// With returns a context that carries c; ctx itself where c is empty.
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
