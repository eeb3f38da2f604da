// Package organiser is the room of whoever sets up votes: the list of polls, a new one with its review, and what is done
// with one that is there: change, close, delete, its roll, its lot, links and downloads.
//
// Each action is the API's, called in the organiser's name: who may do it, and whether it comes too late, is decided
// there. A page that changes something carries what it showed (a revision, the index of a roll, a key), so that a
// form that is sent twice acts once, and one that is outdated changes nothing.
package organiser
