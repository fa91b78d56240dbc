# SPDX-License-Identifier: BSD-2-Clause
#
# The configuration that Debian's package of nginx installs, as it stands on
# this machine: a copy of /etc/nginx with other ports, logs and paths.  It
# passes -t but for directives that this build does not have, which are named
# one by one; without those lines it serves.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Find ();
use Weir::Test qw(:DEFAULT run_binary top_folder);

plan skip_all => 'no /etc/nginx of Debian'
    if !-e '/etc/nginx/nginx.conf' || !-d '/etc/nginx/sites-enabled';

my $t = Weir::Test->new;


# ---- the copy ----

# What is installed may have been changed, and then is no longer Debian's.
my $main = Weir::Test::slurp('/etc/nginx/nginx.conf');
plan skip_all => "not Debian's nginx.conf"
    if $main !~ m{^\s*include /etc/nginx/sites-enabled/\*;}m;

my $has_ipv6 = Weir::Test::slurp('/proc/net/if_inet6') =~ /\blo$/m;

sub moved {
    my ($text) = @_;
    my $dir = $t->dir;

    $text =~ s{/etc/nginx/}{$dir/}g;
    $text =~ s{/run/nginx\.pid}{$dir/nginx.pid};
    $text =~ s{/var/log/nginx/}{$dir/}g;
    $text =~ s{/var/www/}{$dir/www/}g;
    $text =~ s{^(\s*listen\s+)(\d+)\b}{$1 . '127.0.0.1:' . $t->port($2)}gme;
    $text =~ s{^(\s*listen\s+)\[::\]:(\d+)\b}
              {($has_ipv6 ? $1 : "#$1") . '[::1]:' . $t->port($2)}gme;
    $text =~ s{^(user) .*;}{$1 nobody nogroup;}m;
    return $text;
}

File::Find::find({ follow => 1, no_chdir => 1, wanted => sub {
    my $path = $_;
    return if !-f $path || $path =~ m{/(?:\.|[^/]*(?:~|\.dpkg-\w+|\.bak)$)};
    $t->write(substr($path, length '/etc/nginx/'),
              moved(Weir::Test::slurp($path)));
} }, '/etc/nginx');
symlink '/usr/share/nginx/modules', $t->path('modules');
$t->write('www/html/index.nginx-debian.html', "<h1>Welcome</h1>\n");
$t->write('www/html/style.css', "a {}\n");
$t->write('www/html/docs/index.html', "docs\n");
$t->write('www/html/file.unknown', '?');

# A second site, of the pieces that the package has for sites.
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $seen = join '|', map { $request->header($_) // '' }
        qw(Host X-Real-IP X-Forwarded-For X-Forwarded-Proto);

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($seen)
        . "\r\n\r\n$seen";
});
my $php = has_module('http_fastcgi') ? <<'EOC' : '';
    location ~ \.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/php-fpm.sock;
    }
EOC
my $app = $backend->port;
$t->write('sites-available/app', $t->expand(<<"EOC"));
server {
    listen 127.0.0.1:%%PORT_80%%;
    server_name app.test;
    location / {
        proxy_pass http://127.0.0.1:$app;
        include proxy_params;
    }
$php}
EOC
symlink $t->path('sites-available/app'), $t->path('sites-enabled/app');


# ---- -t ----

# One line for each directive that is missing; none on another binary.
sub conf_check {
    my ($code, $out, $err) = run_binary({ dir => $t->dir }, '-t', '-p',
        $t->dir . '/', '-c', 'nginx.conf', '-e', 'error.log',
        is_oracle() ? () : ('--lint', '--no-lint'));
    my @missing;

    for my $line (grep { /\[emerg\]/ } split /\n/, $err) {
        if ($line =~ /^nginx:\ \[emerg\]\ (directive|module)\ "([^"]+)"
                      \ is\ not\ supported\ by\ this\ build\ in\ (\S+):(\d+)$/x) {
            push @missing, { what => $1, name => $2, file => $3, line => $4 };
        } else {
            fail "another error: $line";
        }
    }
    return ($code, $err, @missing);
}

my ($code, $err, @missing) = conf_check();
if (is_oracle()) {
    is $code, 0, '-t' or diag $err;
} else {
    is $code, @missing ? 1 : 0, '-t';
}
note join ' ', 'missing:', map { $_->{name} =~ s{.*/}{}r } @missing;

# Directives of nginx that weir has, and those that it is to have.
my %known = map { (split /\t/)[0] => 1 }
    split /\n/, Weir::Test::slurp(top_folder() . '/auto/check/directives.tsv');
my %built = map { (split /\t/)[0] => 1 }
    split /\n/, is_oracle() ? '' : (run_binary('--directives'))[1];
for my $it (grep { $_->{what} eq 'directive' } @missing) {
    ok $known{ $it->{name} } && !$built{ $it->{name} },
        "$it->{name} is a directive of nginx that is missing";
}

# Without these lines all is well.
my %lines;
push @{ $lines{ $_->{file} } }, $_ for @missing;
for my $file (keys %lines) {
    my @text = split /^/, $t->read($file);
    for my $it (@{ $lines{$file} }) {
        my $last = $it->{name} =~ s{.*/}{}r;
        like $text[$it->{line} - 1], qr/\Q$last\E/,
            "$last is where the message says";
        $text[$it->{line} - 1] = "# $text[$it->{line} - 1]";
    }
    $t->write($file, join '', @text);
}
($code, $err) = conf_check();
is $code, 0, '-t without them';
like $err, qr/test is successful$/, 'and says so';


# ---- load_module ----

$t->write('modules-enabled/60-none.conf',
          "load_module modules/ngx_http_nonesuch_module.so;\n");
($code, undef, $err) = run_binary({ dir => $t->dir }, '-t', '-p',
    $t->dir . '/', '-c', 'nginx.conf', '-e', 'error.log');
is $code, 1, 'an unknown module';
like $err, qr/\[emerg\] .*ngx_http_nonesuch_module\.so"?.* in .*60-none\.conf:1/,
    'is named';
SKIP: {
    skip 'modules are files there', 1 if is_oracle();
    $t->write('modules-enabled/60-none.conf', join '',
        map { "load_module modules/ngx_http_${_}_module.so;\n" }
        qw(map proxy autoindex charset_filter));
    ($code, $err) = conf_check();
    is $code, 0, 'built-in ones' or diag $err;
}
unlink $t->path('modules-enabled/60-none.conf');


# ---- serving ----

unlink $t->path('error.log');
$t->run(undef, args => ['-g', 'daemon off;']);
my @to = (port => $t->port(80));

like $t->get('/', @to)->body, qr/Welcome/, 'the first page';
my $r = $t->get('/style.css', @to);
is $r->header('Content-Type'), 'text/css', 'a type of mime.types';
ok $r->header('ETag'), 'a tag';
is $t->get('/style.css', @to, headers => ['If-None-Match' =>
    $r->header('ETag')])->status, 304, 'not modified';
is $t->get('/style.css', @to, headers => [Range => 'bytes=0-0'])->body, 'a',
    'a range';
is $t->get('/file.unknown', @to)->header('Content-Type'),
    'application/octet-stream', 'the default type';
is $t->get('/docs', @to)->status, 301, 'a folder';
is $t->get('/docs/', @to)->body, "docs\n", 'its index';
is $t->get('/none', @to)->status, 404, 'try_files ends in =404';
like $t->get('/', @to, host_address => '::1')->body, qr/Welcome/,
    'over IPv6' if $has_ipv6;
is $t->get('/', @to, host => 'app.test',
           headers => ['X-Forwarded-For' => '192.0.2.1'])->body,
    'app.test|127.0.0.1|192.0.2.1, 127.0.0.1|http', 'proxy_params';
ok scalar(grep { /"GET \/none HTTP\/1\.1" 404/ } $t->log('access.log')),
    'the log';

$t->write('conf.d/new.conf', $t->expand(<<'EOC'));
server { listen 127.0.0.1:%%PORT_80%%; server_name new; return 200 "new\n"; }
EOC
$t->signal('HUP');
ok wait_until(sub { $t->get('/', @to, host => 'new')->body eq "new\n" }),
    'it reloads';
like $t->get('/', @to)->body, qr/Welcome/, 'and serves what it did';

done_testing;
