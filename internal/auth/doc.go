// Package auth finds out who sends a request and decides what the sender may do: roles,
// bearer tokens, voters' JWTs and voting credentials, and the decision about one
// request. It does not know the HTTP routes; each route says which roles it needs.
package auth
