// Package auth says who sends a request and what that one may do: roles, bearer
// tokens, voters' JWTs and voting credentials, and the decision about one request.
// It knows nothing of HTTP routes: those say which roles they take.
package auth
