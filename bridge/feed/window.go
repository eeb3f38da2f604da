package feed

// window gathers messages that are published together: up to windowSize whose numbers follow
// one another. See the package's comment for why others go alone.
type window struct {
	last     uint64 // number of the message before the next one, 0 if there is none
	messages []Message
}

// add takes a message in, and returns what must be published now.
func (w *window) add(m Message) (full [][]Message) {
	follows := w.last != 0 && m.Number == w.last+1
	if !follows || len(w.messages) == windowSize {
		full = w.flush(full)
	}
	w.last = m.Number
	w.messages = append(w.messages, m)
	if !follows {
		full = w.flush(full)
	}
	return full
}

func (w *window) flush(full [][]Message) [][]Message {
	if m := w.take(); len(m) > 0 {
		full = append(full, m)
	}
	return full
}

// take returns what was gathered.
func (w *window) take() []Message {
	m := w.messages
	w.messages = nil
	return m
}
