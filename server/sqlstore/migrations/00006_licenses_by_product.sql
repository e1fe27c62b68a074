-- +goose Up
CREATE INDEX licenses_by_product ON licenses (product, id);
