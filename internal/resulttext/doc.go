// Package resulttext says in sentences what people ask about a result: how each tie was
// decided, who else could have won, what is still open. Tables and reports use the same
// sentences.
package resulttext

// Names lists options for people; and is the word before the last one, as in "Ann, Bo and
// Cy".
type Names func(ids []string, and string) string
