// #only login
export const homePage = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>{{title}}</title>
  <style>
    :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
    main { max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  </style>
  <main>
    <h1>{{title}}</h1>
    <p>Who is not logged in is sent to the login first.</p>
    <ul>
      <li><a href="/me">Your record</a></li>
      <li><a href="/vitals">Your vital signs</a></li>
    </ul>
    <form method="post" action="/logout"><button>Log out</button></form>
  </main>
</html>
`
