// node-postgres without anything around it: logs in as each line says and writes what came of it. kit/drivers.py
// starts it.
//   id, port, sslmode (disable or require), enableChannelBinding, user, password  ->  id, error or nothing
// Fields stand between tabs.

const { Client } = require('pg');

async function logIn([, port, sslmode, binding, user, password]) {
  const client = new Client({
    host: '127.0.0.1', port: Number(port), user, password, database: 'postgres',
    enableChannelBinding: binding === 'true', ssl: sslmode === 'disable' ? false : { rejectUnauthorized: false },
  });
  client.on('error', () => {});  // of the socket, after the one that connect() has told
  try {
    await client.connect();
    const { rows } = await client.query('SELECT 41 + 1 AS answer');
    return rows[0].answer === 42 ? '' : 'another answer';
  } catch (error) {
    return error.message || 'an error without words';
  } finally {
    await client.end().catch(() => {});
  }
}

const lines = require('readline').createInterface({ input: process.stdin });
lines.on('line', async line => {
  const fields = line.split('\t');
  const error = await logIn(fields);
  console.log(`${fields[0]}\t${error.replace(/\s+/g, ' ')}`);
});
