-- +goose Up
CREATE INDEX moves_by_time ON moves (at);
