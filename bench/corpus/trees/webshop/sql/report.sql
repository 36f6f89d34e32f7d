SELECT id, total FROM orders WHERE image = 'nginx:latest';
DELETE FROM node;
