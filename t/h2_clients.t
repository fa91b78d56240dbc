# SPDX-License-Identifier: BSD-2-Clause
#
# HTTP/2 clients of others: curl, nghttp, h2load, Node and Chromium, over TLS and
# on a plain port; a reload in the middle of a connection.  The log has nothing
# to say about any of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2;
use Weir::TLS;
use Weir::Test;

need_module('http_v2', 'http_ssl');
need_tls();

my $on = is_oracle() ? '' : 'http2 on;';
my $h2 = is_oracle() ? ' http2' : '';
my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('a', by => 'ca');
my $backend = Weir::Backend->http(sub {
    my ($r) = @_;
    my $text = length($r->body) . ' bytes';
    return 'HTTP/1.1 200 OK' . "\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
});

# A picture of one pixel, a hundred times by other names.
my $pixel = pack 'H*', '47494638396101000100800000000000ffffff2c00000000010001'
    . '0000020144003b';
$t->write("html/p$_.gif", $pixel) for 1 .. 100;
$t->write('html/pictures.html', '<html><body>' . join('',
    map { "<img src='p$_.gif' onload='n++' onerror='bad++'>" } 1 .. 100)
    . '<script>var n = 0, bad = 0;</script><p id=r></p><script>'
    . 'onload = function () { document.getElementById("r").textContent = '
    . '[].filter.call(document.images, function (i) '
    . '{ return i.naturalWidth == 1 }).length + " pictures by " + '
    . 'performance.getEntriesByType("navigation")[0].nextHopProtocol; };'
    . '</script></body></html>');
$t->write('html/big', join '', map { "line $_\n" } 1 .. 200_000);
my $size = -s $t->path('html/big');
my $conf = <<"EOC";
%%GLOBALS%%
events {}
http {
    %%GLOBALS_HTTP%%
    error_log %%TESTDIR%%/h2.log warn;
    types { text/html html; image/gif gif; }
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    client_max_body_size 100m;
    client_body_buffer_size 20m;
    keepalive_requests 100000;
    log_format p '\$server_protocol \$request_uri \$status';
    access_log %%TESTDIR%%/p.log p;
    server {
        listen 127.0.0.1:%%PORT%%$h2;
        listen 127.0.0.1:%%PORT_tls%% ssl$h2;
        $on
        server_name a.test localhost;
        root %%TESTDIR%%/html;
        location = /favicon.ico { return 204; }
        location = /hello { return 200 "hello VERSION"; }
        location /up { proxy_pass http://127.0.0.1:${\ $backend->port}; }
    }
}
EOC
$t->run($conf =~ s/VERSION/one/r);
my ($plain, $tls) = ($t->port, $t->port('tls'));

sub there { return system("command -v $_[0] >/dev/null 2>&1") == 0 }

# output(@command): what it prints, within 60 seconds.
sub output {
    my @command = @_;

    open my $in, '-|', 'timeout', 60, 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh',
        @command or return '';
    local $/;
    return scalar(<$in>) // '';
}

SKIP: {
    skip 'no curl with HTTP/2', 6
        if output('curl', '-V') !~ /HTTP2/;
    my @curl = ('curl', '-sk', '--max-time', 30);
    is output(@curl, '--http2', '-w', ' %{http_version}',
        "https://127.0.0.1:$tls/hello"), 'hello one 2', 'curl over TLS';
    is output(@curl, '--http2-prior-knowledge', '-w', ' %{http_version}',
        "http://127.0.0.1:$plain/hello"), 'hello one 2', 'and plain';
    is output(@curl, "https://127.0.0.1:$tls/big"), $t->read('html/big'),
        'a large file';
    is output(@curl, '-T', $t->path('html/big'), "https://127.0.0.1:$tls/up"),
        "$size bytes", 'an upload';
    is length output(@curl, '--parallel', map { "https://127.0.0.1:$tls/p$_.gif" }
        1 .. 50), 50 * length $pixel, 'fifty at the same time';
    skip 'HTTP/2 alone', 1 if is_oracle();
    is output(@curl, '--http1.1', '-w', ' %{http_version}',
        "http://127.0.0.1:$plain/hello"), 'hello one 1.1',
        'HTTP/1.1 on the same port';
}

SKIP: {
    skip 'no nghttp', 4 if !there('nghttp') || !there('h2load');
    like output('nghttp', '-a', "http://127.0.0.1:$plain/pictures.html"),
        qr/pictures/, 'nghttp with all that a page needs';
    is length output('nghttp', "https://127.0.0.1:$tls/big"),
        -s $t->path('html/big'), 'over TLS';
    like output('h2load', '-n', 3000, '-c', 4, '-m', 30,
        "https://127.0.0.1:$tls/p1.gif"), qr/3000 succeeded, 0 failed/, 'h2load';
    like output('h2load', '-n', 40, '-c', 2, '-m', 10,
        '-d', $t->path('html/big'), "http://127.0.0.1:$plain/up"),
        qr/40 succeeded, 0 failed/, 'with uploads';
}

SKIP: {
    skip 'no node', 3 if !there('node');
    my $script = $t->write('client.js', <<'EOJ');
const http2 = require('http2'), fs = require('fs');
const [, , url, file] = process.argv;
const session = http2.connect(url, { rejectUnauthorized: false });
session.on('error', (e) => console.log('session ' + e));
function ask(headers, body) {
    return new Promise((done) => {
        const s = session.request(headers);
        let status, n = 0, text = '';
        s.on('response', (h) => { status = h[':status']; });
        s.on('data', (d) => { n += d.length; if (n < 100) text += d; });
        s.on('error', (e) => console.log('stream ' + e));
        s.on('close', () => done(status + ' ' + (n < 100 ? text : n)));
        s.end(body);
    });
}
(async () => {
    console.log(await ask({ ':path': '/hello' }));
    console.log((await Promise.all([...Array(60).keys()].map((i) =>
        ask({ ':path': i % 3 ? '/p' + (i + 1) + '.gif' : '/big' }))))
        .map((x) => x.slice(0, 4)).join('') .length);
    console.log(await ask({ ':path': '/up', ':method': 'POST' },
        fs.readFileSync(file)));
    session.close();
})();
EOJ
    my @said = split /\n/, output('node', $script, "https://127.0.0.1:$tls",
        $t->path('html/big'));
    is $said[0], '200 hello one', 'Node';
    is $said[1], 240, 'sixty streams';
    is $said[2], '200 ' . "$size bytes", 'and an upload';
}

SKIP: {
    skip 'no chromium', 1 if !there('chromium');
    my $page = output('chromium', '--headless', '--no-sandbox', '--disable-gpu',
        '--ignore-certificate-errors', '--virtual-time-budget=8000',
        '--user-data-dir=' . $t->path('chromium'), '--dump-dom',
        "https://127.0.0.1:$tls/pictures.html");
    skip 'chromium does not run here', 1 if $page !~ /<html/;
    like $page, qr/100 pictures by h2/, 'Chromium shows a hundred pictures';
}

# ---- a reload in the middle ------------------------------------------------------

SKIP: {
    skip 'nginx closes connections', 4 if !lives_on();
    my $c = Weir::H2->new(port => $plain);
    is $c->get('/hello')->{body}, 'hello one', 'before a reload';
    my $id = $c->request('POST', '/up', open => 1);
    $c->send(0, 0, $id, 'abc');
    $c->ping;
    $t->conf($conf =~ s/VERSION/two/r);
    $t->reload;
    ok wait_until(sub { $c->get('/hello')->{body} eq 'hello two' }),
        'the next stream of the same connection has the new configuration';
    $c->send(0, 1, $id, 'def');
    is $c->wait($id)->{body}, '6 bytes', 'the one before ends';
    ok !defined $c->goaway, 'and nobody is sent away';
}

is $t->read('h2.log'), '', 'the log is empty';

done_testing;
