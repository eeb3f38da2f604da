package history

// ring keeps the last values that were added. Its memory is that of its size, however many
// come.
type ring[T any] struct {
	values []T // in the order of their coming, beginning at next once it is full
	size   int
	next   int
}

func newRing[T any](size int) *ring[T] { return &ring[T]{values: make([]T, 0, size), size: size} }

func (r *ring[T]) add(v T) {
	if len(r.values) < r.size {
		r.values = append(r.values, v)
		return
	}
	r.values[r.next] = v
	r.next = (r.next + 1) % r.size
}

// from returns the values from the first one for which later is true, the oldest first.
func (r *ring[T]) from(later func(*T) bool) []T {
	some := make([]T, 0, len(r.values))
	for i := range r.values {
		v := &r.values[(r.next+i)%len(r.values)]
		if len(some) > 0 || later(v) {
			some = append(some, *v)
		}
	}
	return some
}
