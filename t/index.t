# SPDX-License-Identifier: BSD-2-Clause
#
# index: names, variables, absolute ones, levels; and what the error log says
# of files that are not there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $html = $t->path('html');
$t->write('html/index.html', 'front');
$t->write('html/dir/index.html', 'dir');
$t->write('html/dir/second.html', 'second');
$t->write('html/dir/en.html', 'english');
$t->write('html/folder/index.html/index.html', 'inner');
$t->write('html/none/x', 'x');
$t->write('html/plain', 'plain');
$t->write('html/fallback', 'fallback');
$t->mkdir('html/shut');
chmod 0, "$html/shut";
$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name log.test;
        location / { }
        location /two/ { alias %%TESTDIR%%/html/dir/; index first.html
                         second.html; index index.html; }
        location /var/ { alias %%TESTDIR%%/html/dir/; index $arg_l.html
                         index.html; }
        location /abs/ { alias %%TESTDIR%%/html/none/; index a b /fallback; }
        location /args/ { alias %%TESTDIR%%/html/none/; index /show; }
        location /show { return 200 "$uri?$args"; }
        location /outer/ { index second.html; alias %%TESTDIR%%/html/dir/;
            location /outer/inner/ { alias %%TESTDIR%%/html/dir/; } }
        location /quiet/ { alias %%TESTDIR%%/html/; log_not_found off; }
        location /regex/ { alias %%TESTDIR%%/html/dir/; index x.php; }
        location ~ \.php$ { return 200 "script $uri"; }
        location /loop/ { index /loop/; }
    }
}
EOC
$t->write('html/dir/x.php', 'source');
$t->expect_log(qr/loop/);

$t->answers(
    '/'              => [200, 'front'],
    '/dir/'          => [200, 'dir'],
    '/two/'          => [200, 'second'],
    '/var/?l=en'     => [200, 'english'],
    '/var/?l=fr'     => [200, 'dir'],
    '/var/'          => [200, 'dir'],
    '/abs/'          => [200, 'fallback'],
    '/args/?a=b'     => [200, '/show?a=b'],
    '/outer/'        => [200, 'second'],
    '/outer/inner/'  => [200, 'second'],
    '/regex/'        => [200, 'script /regex/x.php'],
    '/folder/'       => [301],
    '/none/'         => [403],
    '/loop/'         => [500],
);
is $t->get('/folder/')->header('Location'),
    'http://localhost:' . $t->port . '/folder/index.html/',
    'an index that is a directory';
is $t->request('OPTIONS', '/dir/')->status, 405, 'other methods';
is $t->head('/dir/')->header('Content-Length'), 3, 'HEAD';

# ---- what is logged ----

# logs($uri, $status, $text)
sub logs {
    my ($uri, $status, $text) = @_;

    is $t->get($uri, host => 'log.test')->status, $status, $uri;
    my $line = "[error] PID: *N $text, client: 127.0.0.1, server: log.test, "
        . qq(request: "GET $uri HTTP/1.1", host: "log.test");
    my $re = quotemeta $line;
    $re =~ s/PID/\\d+#\\d+/;
    $re =~ s/\\\*N/\\*\\d+/;
    ok $t->wait_log(qr/$re/), "$uri: $text";
}

my $missing = '(2: No such file or directory)';
my $no_folder = '(20: Not a directory)';
logs('/nope', 404, qq(open() "$html/nope" failed $missing));
logs('/plain/x', 404, qq(open() "$html/plain/x" failed $no_folder));
logs('/none/', 403, qq(directory index of "$html/none/" is forbidden));
logs('/nope/', 404, qq("$html/nope/index.html" is not found $missing));
logs('/plain/', 404, qq("$html/plain/index.html" is not found $no_folder));
SKIP: {
    skip 'permissions', 4 if !$> && $t->expand('%%GLOBALS%%') =~ /user root/;
    logs('/shut/', 403,
         qq("$html/shut/index.html" is forbidden (13: Permission denied)));
    logs('/shut/x', 403,
         qq(open() "$html/shut/x" failed (13: Permission denied)));
}
is $t->get("/quiet/$_")->status, 404, 'log_not_found off' for qw(gone away/);
$t->stop;
unlike $t->log, qr/gone|away\/index/, 'log_not_found off logs nothing';

done_testing;
